package vendorcsv

import (
	"cmp"
	"fmt"
	"slices"
)

// tally counts how often each name of one object is used. The most frequent name wins; of
// equals the one that came first. The zero tally is empty and ready.
type tally struct {
	names []namesake
	index map[string]int // only where there are many names
	empty []int          // lines that leave the name empty
}

type namesake struct {
	name string
	rows int
	line int // of its first use
}

// many is from how many names on an index pays.
const many = 8

// add counts one use of a name.
func (t *tally) add(name string, line int) {
	if name == "" {
		t.empty = append(t.empty, line)
		return
	}
	if i := t.find(name); i >= 0 {
		t.names[i].rows++
		return
	}
	t.names = append(t.names, namesake{name: name, rows: 1, line: line})
	switch {
	case t.index != nil:
		t.index[name] = len(t.names) - 1
	case len(t.names) == many:
		t.index = make(map[string]int, 2*many)
		for i, n := range t.names {
			t.index[n.name] = i
		}
	}
}

func (t *tally) find(name string) int {
	if t.index != nil {
		if i, ok := t.index[name]; ok {
			return i
		}
		return -1
	}
	for i, n := range t.names {
		if n.name == name {
			return i
		}
	}
	return -1
}

// winner returns the name to keep, or "" where no row gives one.
func (t *tally) winner() string {
	best := namesake{}
	for _, n := range t.names {
		if n.rows > best.rows {
			best = n
		}
	}
	return best.name
}

// second returns the line on which a second name appears, or 0.
func (t *tally) second() int {
	if len(t.names) < 2 {
		return 0
	}
	return t.names[1].line
}

// show lists the names with their uses, the winner first.
func (t *tally) show() string {
	byUse := slices.Clone(t.names)
	slices.SortStableFunc(byUse, func(a, b namesake) int { return cmp.Compare(b.rows, a.rows) })
	items := make([]string, len(byUse))
	for i, n := range byUse {
		items[i] = fmt.Sprintf("%s (%s)", show(n.name), count(n.rows, "row"))
	}
	return list(items)
}

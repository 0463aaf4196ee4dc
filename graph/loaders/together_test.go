package loaders

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
)

// reader doubles numbers and takes note of what it was asked.
type reader struct {
	mu    sync.Mutex
	calls [][]int
	err   error
}

func (r *reader) read(_ context.Context, keys []int) ([]int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, slices.Clone(keys))
	values := make([]int, len(keys))
	for i, k := range keys {
		values[i] = 2 * k
	}
	return values, r.err
}

func TestTheFirstOfAPageLoadsThePage(t *testing.T) {
	r := &reader{}
	l := newTogether(r.read)
	l.expect([]int{1, 2, 3, 2})
	l.expect([]int{3, 4}) // 3 is expected already
	for _, key := range []int{2, 1, 3, 2} {
		if v, err := l.load(t.Context(), key); v != 2*key || err != nil {
			t.Errorf("%d: %d, %v", key, v, err)
		}
	}
	if v, err := l.load(t.Context(), 9); v != 18 || err != nil {
		t.Errorf("a key that nobody expected: %d, %v", v, err)
	}
	if len(r.calls) != 2 || !slices.Equal(r.calls[0], []int{1, 2, 3}) || !slices.Equal(r.calls[1], []int{9}) {
		t.Errorf("read %v", r.calls)
	}
}

func TestWhatIsAskedForAgainIsNotReadAgain(t *testing.T) {
	r := &reader{}
	l := newTogether(r.read)
	l.expect([]int{1, 2})
	_, _ = l.load(t.Context(), 2)
	values, err := l.loadAll(t.Context(), []int{5, 1, 5, 6})
	if err != nil || !slices.Equal(values, []int{10, 2, 10, 12}) {
		t.Errorf("loaded %v, %v", values, err)
	}
	n := 0
	for _, keys := range r.calls {
		n += len(keys)
	}
	if n != 4 { // 1, 2, 5, 6, each once
		t.Errorf("read %v", r.calls)
	}
}

func TestWhatWasReadElsewhereIsNotReadAgain(t *testing.T) {
	r := &reader{}
	l := newTogether(r.read)
	l.expect([]int{1})
	l.prime(map[int]int{1: 7}) // expected already: it is read with what it was expected with
	l.prime(map[int]int{2: 7})
	one, _ := l.load(t.Context(), 1)
	two, err := l.load(t.Context(), 2)
	if one != 2 || two != 7 || err != nil || len(r.calls) != 1 {
		t.Errorf("loaded %d and %d, %v; read %v", one, two, err, r.calls)
	}
}

func TestAFailedReadFailsForAllOfThePage(t *testing.T) {
	r := &reader{err: errors.New("gone")}
	l := newTogether(r.read)
	l.expect([]int{1, 2})
	for _, key := range []int{1, 2} {
		if _, err := l.load(t.Context(), key); !errors.Is(err, r.err) {
			t.Errorf("%d: %v", key, err)
		}
	}
	if _, err := l.loadAll(t.Context(), []int{1, 3}); !errors.Is(err, r.err) {
		t.Error(err)
	}
}

package engine_test

import (
	"testing"

	"github.com/licensegraph/licensegraph/internal/engine"
)

// benchRules have an exclusion and a prerequisite.
func benchRules() *engine.Rules {
	b := book(plans(2, 9))
	b.Requires = map[int32]engine.PlanSet{5: plans(1, 3)}
	return engine.NewRules(b)
}

// benchUser has four products through groups and one directly; one waits.
func benchUser() engine.User {
	waiting := through(4, 4, 9, 10)
	return with(having(through(1, 1, 3, 0, 1, 2), through(2, 2, 4, 3, 4), through(3, 3, 5, 5, 6), waiting, direct(5, 6, 7, 8)),
		waits(waiting, engine.Count, 9))
}

func BenchmarkPlanSet(b *testing.B) {
	one, other := plans(0, 3, 7, 200, 700), plans(3, 9, 200)
	for _, c := range []struct {
		name string
		run  func()
	}{
		{"union", func() { one.Union(other) }},
		{"minus", func() { one.Minus(other) }},
		{"intersect", func() { one.Intersect(other) }},
		{"overlaps", func() { one.Overlaps(other) }},
		{"equal", func() { one.Equal(other) }},
		{"len", func() { one.Len() }},
		{"has", func() { one.Has(200) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.run()
			}
		})
	}
}

func BenchmarkDerive(b *testing.B) {
	r, u := benchRules(), benchUser()
	b.ReportAllocs()
	for b.Loop() {
		r.Derive(u)
	}
}

func BenchmarkCheck(b *testing.B) {
	r, on, joining := benchRules(), plans(0, 1, 2, 3, 4), plans(5, 6)
	b.ReportAllocs()
	for b.Loop() {
		r.Check(plans(), on, joining)
	}
}

// BenchmarkLess compares two places in line.
func BenchmarkLess(b *testing.B) {
	one, other := engine.Key{Since: 3, User: userID(1)}, engine.Key{Since: 3, User: userID(2)}
	b.ReportAllocs()
	for b.Loop() {
		engine.Less(&one, &other)
	}
}

// BenchmarkSettle gives a user a product that is a newcomer.
func BenchmarkSettle(b *testing.B) {
	r := benchRules()
	before := benchUser()
	after := append(append([]engine.Source{}, before.Sources...), through(6, 6, 20, 11))
	seats := engine.Seats{1: unlimited, 2: unlimited, 3: unlimited, 4: seat(10, 10, 1), 5: unlimited, 6: seat(10, 9, 0)}
	b.ReportAllocs()
	for b.Loop() {
		c := &engine.Case{Before: before, After: after, Users: []engine.ID{userID(1)}}
		if _, err := r.Settle([]*engine.Case{c}, seats, nil, &queue{}, now); err != nil {
			b.Fatal(err)
		}
	}
}

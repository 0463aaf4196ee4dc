package loaders

import (
	"context"
	"maps"
	"sync"

	"github.com/vikstrous/dataloadgen"
)

// wait is how long a loader gathers keys before it reads: not at all. What one page of a list
// asks for is known beforehand (together), and a sleep, however short, lasts about a millisecond:
// several times what the one statement of an ordinary query takes.
const wait = 0

// together loads values by key. Keys that came from one page are expected to be asked for
// together and are loaded by the first that is: so the number of statements follows from the
// query alone, not from how the fields' goroutines happen to run.
type together[K comparable, V any] struct {
	fetch func(ctx context.Context, keys []K) ([]V, error)

	mu     sync.Mutex
	sets   map[K]*set[K]
	loader *dataloadgen.Loader[*set[K], map[K]V] // made when something is loaded: few requests load all kinds
}

// set is keys that are loaded together.
type set[K comparable] struct{ keys []K }

// newTogether returns a loader over a function that reads the values of keys, which are
// distinct, in their order.
func newTogether[K comparable, V any](read func(ctx context.Context, keys []K) ([]V, error)) *together[K, V] {
	return &together[K, V]{fetch: read}
}

// ready returns the loader. The lock is held.
func (t *together[K, V]) ready() *dataloadgen.Loader[*set[K], map[K]V] {
	if t.loader == nil {
		t.loader = dataloadgen.NewLoader(t.read, dataloadgen.WithWait(wait))
	}
	return t.loader
}

// read reads the values of sets of keys; no key is in two of them.
func (t *together[K, V]) read(ctx context.Context, sets []*set[K]) ([]map[K]V, []error) {
	var keys []K
	for _, s := range sets {
		keys = append(keys, s.keys...)
	}
	values, err := t.fetch(ctx, keys)
	if err != nil {
		return nil, []error{err}
	}
	found := make(map[K]V, len(keys))
	for i, key := range keys {
		found[key] = values[i]
	}
	results := make([]map[K]V, len(sets))
	for i := range sets {
		results[i] = found
	}
	return results, nil
}

// expect says that some keys will be asked for together.
func (t *together[K, V]) expect(keys []K) {
	if len(keys) == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	s := &set[K]{}
	for _, key := range keys {
		if t.sets[key] == nil {
			t.put(key, s)
			s.keys = append(s.keys, key)
		}
	}
}

// load returns the value of a key.
func (t *together[K, V]) load(ctx context.Context, key K) (V, error) {
	loader, s := t.setOf(key)
	values, err := loader.Load(ctx, s)
	return values[key], err
}

// prime puts values that were read together elsewhere, but those of keys that are expected
// already.
func (t *together[K, V]) prime(values map[K]V) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := &set[K]{keys: make([]K, 0, len(values))}
	for key := range values {
		if t.sets[key] == nil {
			t.put(key, s)
			s.keys = append(s.keys, key)
		}
	}
	t.ready().Prime(s, values)
}

// put puts a key into a set. The lock is held.
func (t *together[K, V]) put(key K, s *set[K]) {
	if t.sets == nil {
		t.sets = map[K]*set[K]{}
	}
	t.sets[key] = s
}

func (t *together[K, V]) setOf(key K) (*dataloadgen.Loader[*set[K], map[K]V], *set[K]) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.sets[key] == nil {
		t.put(key, &set[K]{keys: []K{key}})
	}
	return t.ready(), t.sets[key]
}

// loadAll returns the values of keys in their order.
func (t *together[K, V]) loadAll(ctx context.Context, keys []K) ([]V, error) {
	t.expect(keys)
	values := make([]V, len(keys))
	thunks := map[*set[K]]func() (map[K]V, error){}
	for _, key := range keys {
		if loader, s := t.setOf(key); thunks[s] == nil {
			thunks[s] = loader.LoadThunk(ctx, s)
		}
	}
	found := map[K]V{}
	for _, thunk := range thunks {
		part, err := thunk()
		if err != nil {
			return nil, err
		}
		maps.Copy(found, part)
	}
	for i, key := range keys {
		values[i] = found[key]
	}
	return values, nil
}

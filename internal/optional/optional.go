// Package optional tells an input that was left out from one that was given as null (R24).
package optional

// Optional is an input that may be left out: absent keeps what is stored, null clears it.
// The zero value is absent.
type Optional[T any] struct {
	Set   bool // given, be it as null
	Value *T   // nil for null
}

// Of returns a given value.
func Of[T any](value T) Optional[T] { return Optional[T]{Set: true, Value: &value} }

// Null returns a given null.
func Null[T any]() Optional[T] { return Optional[T]{Set: true} }

// Null tells whether null was given.
func (o Optional[T]) Null() bool { return o.Set && o.Value == nil }

// Or returns what is stored after the input: present where it is absent.
func (o Optional[T]) Or(present *T) *T {
	if o.Set {
		return o.Value
	}
	return present
}

package whatif

import (
	"reflect"
	"testing"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/directory"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
	"github.com/licensegraph/licensegraph/internal/optional"
)

// TestNoFieldOfAnInputIsLeftOutOfItsEncoding holds for fields that are added, too: whatever is not
// exported would not be encoded.
func TestNoFieldOfAnInputIsLeftOutOfItsEncoding(t *testing.T) {
	seen := map[reflect.Type]bool{}
	var walk func(of reflect.Type, path string)
	walk = func(of reflect.Type, path string) {
		for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice {
			of = of.Elem()
		}
		if of.Kind() == reflect.Interface || of.Kind() == reflect.Func || of.Kind() == reflect.Map {
			t.Errorf("%s is a %s, which has no one encoding", path, of.Kind())
		}
		if of.Kind() != reflect.Struct || seen[of] {
			return
		}
		seen[of] = true
		for i := range of.NumField() {
			f := of.Field(i)
			if !f.IsExported() || f.Tag.Get("json") == "-" {
				t.Errorf("%s.%s is not encoded", path, f.Name)
			}
			walk(f.Type, path+"."+f.Name)
		}
	}
	walk(reflect.TypeFor[Change](), "Change")
}

func TestChangesThatAskForTheSameAreEncodedAlike(t *testing.T) {
	user, product := uuid.New(), uuid.New()
	assign := func(edit func(in *licensing.AssignInput)) Change {
		in := &licensing.AssignInput{Principals: []licensing.PrincipalRef{{ID: user}}, Add: []licensing.LicenseInput{{Product: product}}}
		edit(in)
		return Change{AssignLicenses: in}
	}
	update := func(department optional.Optional[string]) Change {
		return Change{UpdateUser: &directory.UpdateUserInput{ID: user, Department: department}}
	}
	text := ""
	for name, c := range map[string]struct {
		a, b  Change
		alike bool
	}{
		"no removals": {assign(func(*licensing.AssignInput) {}), assign(func(in *licensing.AssignInput) { in.Remove = []uuid.UUID{} }), true},
		"removals":    {assign(func(*licensing.AssignInput) {}), assign(func(in *licensing.AssignInput) { in.Remove = []uuid.UUID{product} }), false},
		"other plans": {assign(func(*licensing.AssignInput) {}), assign(func(in *licensing.AssignInput) {
			in.Add[0].Plans = &licensing.SelectionInput{Mode: tenantgraph.Only}
		}), false},
		"other mode":    {assign(func(*licensing.AssignInput) {}), assign(func(in *licensing.AssignInput) { in.Mode = licensing.AssignReplace }), false},
		"nested":        {assign(func(*licensing.AssignInput) {}), assign(func(in *licensing.AssignInput) { in.Add[0].IncludeNested = new(bool) }), false},
		"cleared":       {update(optional.Optional[string]{}), update(optional.Null[string]()), false},
		"empty":         {update(optional.Null[string]()), update(optional.Of(text)), false},
		"other kind":    {Change{DeleteUser: &directory.DeleteUserInput{ID: user}}, Change{RestoreUser: &directory.RestoreUserInput{ID: user}}, false},
		"the other way": {Change{AddGroupMembers: &directory.MembersInput{Group: user}}, Change{RemoveGroupMembers: &directory.MembersInput{Group: user}}, false},
	} {
		a, err := canonical([]Change{c.a})
		if err != nil {
			t.Fatal(err)
		}
		b, err := canonical([]Change{c.b})
		if err != nil {
			t.Fatal(err)
		}
		if (string(a) == string(b)) != c.alike {
			t.Errorf("%s:\n%s\n%s", name, a, b)
		}
	}
}

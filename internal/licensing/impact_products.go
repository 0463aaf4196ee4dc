package licensing

// ProductUsers counts the users of one product by what a change does to their license of it. A
// user counts once in each kind that holds.
type ProductUsers struct {
	Product *Product
	Users   map[ChangeKind]int // of kinds that hold for anybody
}

// ByProduct returns every product of which anybody's license changes, in display order: the
// counts of what Changes lists.
func (i *Impact) ByProduct() []ProductUsers {
	var all []ProductUsers
	for _, p := range i.after.Products {
		d := i.deltas[p.Index]
		if d == nil {
			continue
		}
		users := map[ChangeKind]int{}
		for kind, n := range map[ChangeKind]int64{
			Gained: d.gaining, Lost: d.losing, Changed: d.changed, ErrorRaised: d.newErrors, ErrorClear: d.cleared,
		} {
			if n != 0 {
				users[kind] = int(n)
			}
		}
		if len(users) > 0 {
			all = append(all, ProductUsers{Product: p, Users: users})
		}
	}
	return all
}

package licensing

// ProductUsers counts the users of one product by what a change does to their license of it. A
// user counts once in each kind that holds.
type ProductUsers struct {
	Product *Product
	Users   map[ChangeKind]int
}

// ByProduct returns every product of which anybody's license changes, in display order: the
// counts of what Changes lists.
func (i *Impact) ByProduct() []ProductUsers {
	users := map[int32]map[ChangeKind]int{}
	for _, part := range i.parts {
		for _, c := range part.changes {
			if users[c.product] == nil {
				users[c.product] = map[ChangeKind]int{}
			}
			users[c.product][c.kind] += len(part.users)
		}
	}
	var all []ProductUsers
	for _, p := range i.after.Products {
		if users[p.Index] != nil {
			all = append(all, ProductUsers{Product: p, Users: users[p.Index]})
		}
	}
	return all
}

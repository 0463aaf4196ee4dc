package licensing

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"slices"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/engine"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/principal"
)

// ChangePage is a page of an impact's changes, by user id.
type ChangePage struct {
	Items       []*LicenseChange
	Cursors     []string
	HasNext     bool
	HasPrevious bool
}

// Changes returns the changes after a cursor ("" for the first). The users concerned are read
// with a constant number of statements.
//
// Errors: BAD_USER_INPUT for a malformed cursor; those of the database.
func (i *Impact) Changes(ctx context.Context, first int, after string) (*ChangePage, error) {
	from, err := parseChangeCursor(after)
	if err != nil {
		return nil, err
	}
	page := &ChangePage{HasPrevious: i.earlier}
	var users []uuid.UUID
	var parts []*impactPart
	var which []caseChange
	for _, p := range i.places() {
		for n, c := range p.part.changes {
			at := changeCursor{p.user, uint32(n)}
			if from != nil && !from.before(at) {
				page.HasPrevious = true
				continue
			}
			if len(users) == first {
				page.HasNext = true
				break
			}
			users, parts, which = append(users, p.user), append(parts, p.part), append(which, c)
			page.Cursors = append(page.Cursors, at.String())
		}
		if page.HasNext {
			break
		}
	}
	views, err := i.viewsAfter(ctx, users, parts)
	if err != nil {
		return nil, err
	}
	var seats []*LicenseError
	for n, c := range which {
		change := &LicenseChange{
			UserID: users[n], Product: i.after.ProductAt(c.product), Kind: c.kind,
			PlansAdded: i.after.PlansIn(c.added), PlansRemoved: i.after.PlansIn(c.removed),
		}
		if u := i.d.users[users[n]]; u != nil && u.before == nil && u.after != nil {
			change.User = u.after
		}
		if v := views[users[n]]; v != nil && c.kind == ErrorRaised {
			if l := v.License(change.Product.ID); l != nil {
				for _, s := range l.Sources {
					if i.dryRun && s.Assignment.CreatedAt == i.d.Now { // R26: what the change would create reads as null
						s.Assignment = nil
					}
					change.Errors = append(change.Errors, s.Errors...)
				}
			}
		}
		seats = append(seats, change.Errors...)
		page.Items = append(page.Items, change)
	}
	i.fillSeats(seats)
	return page, nil
}

// viewsAfter derives users as the change leaves them. For a dry run that state is stored
// nowhere: it is the overlay over the state before.
func (i *Impact) viewsAfter(ctx context.Context, users []uuid.UUID, parts []*impactPart) (map[uuid.UUID]*derived, error) {
	if len(users) == 0 {
		return nil, nil
	}
	distinct := slices.Compact(slices.Clone(users))
	read, err := i.s.ReadUsers(ctx, i.d.Tenant, distinct)
	if err != nil {
		return nil, err
	}
	views := map[uuid.UUID]*derived{}
	for n, v := range read {
		user := distinct[n]
		u := i.d.users[user]
		if u == nil {
			u = &userDraft{}
		}
		if v == nil { // created by the change, and not stored
			v = &UserView{User: principal.User{ID: user}}
		}
		if u.after != nil {
			v.User = *u.after
		}
		part := parts[slices.Index(users, user)]
		views[user] = derive(i.after, &v.User, u.membersAfter(v.members, i.d.Now), u.directAfter(v.direct), part.after.Rows)
	}
	return views, nil
}

// fillSeats puts the change's own counts to COUNT_VIOLATIONs and GROUP_SEAT_LIMITs. A place in line is a fact
// of the stored state and is left out.
func (i *Impact) fillSeats(errs []*LicenseError) {
	for _, e := range errs {
		if e.Code == fault.GroupSeatLimit {
			e.Details = e.places(i.book.used[e.assignment])
		}
		if e.Code != fault.CountViolation {
			continue
		}
		d := i.deltas[e.Product.Index]
		if d == nil {
			d = &delta{}
		}
		c := i.counts[e.Product.ID]
		c.Consumed += d.consumed
		e.Details = seatDetails(e.Product, seatCounts(i.after, e.Product.ID, c, i.book.keptAfter[e.Product.ID]))
	}
}

type changeCursor struct {
	user engine.ID
	n    uint32
}

func (c changeCursor) before(o changeCursor) bool {
	if d := slices.Compare(c.user[:], o.user[:]); d != 0 {
		return d < 0
	}
	return c.n < o.n
}

const changeCursorTag = "impact:"

func (c changeCursor) String() string {
	b := append([]byte(changeCursorTag), c.user[:]...)
	return base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint32(b, c.n))
}

func parseChangeCursor(s string) (*changeCursor, error) {
	if s == "" {
		return nil, nil //nolint:nilnil // no cursor
	}
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(b) != len(changeCursorTag)+20 || string(b[:len(changeCursorTag)]) != changeCursorTag {
		return nil, fault.New(fault.BadUserInput, "This cursor does not belong to a list of license changes.").At("after").
			Fix("Pass an endCursor or cursor of the same list.")
	}
	b = b[len(changeCursorTag):]
	return &changeCursor{engine.ID(b[:16]), binary.BigEndian.Uint32(b[16:])}, nil
}

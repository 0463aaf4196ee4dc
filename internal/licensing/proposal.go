package licensing

import (
	"cmp"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/locale"
)

// Proposal is a change that somebody may want to make: a mutation with its input filled in.
type Proposal struct {
	Kind        ProposalKind
	Mutation    string         // its name in the API
	Input       map[string]any // the value of its argument input; ids are TypeIDs
	Explanation locale.Text
	// UsersTouched is how many other users the change concerns at most. Who gets a seat that it
	// frees is not counted.
	UsersTouched int
	PlansLost    []*Plan // that go off for the user, by display name, then id

	size int    // how much the input says
	name string // the last resort of the order
}

// ProposalKind is what a proposal does.
type ProposalKind string

// The kinds, in the order in which proposals that touch and lose equally much are told.
const (
	EnableAccount      ProposalKind = "ENABLE_ACCOUNT"
	SetUsageLocation   ProposalKind = "SET_USAGE_LOCATION"
	SwitchPlansOn      ProposalKind = "SWITCH_PLANS_ON"
	SwitchPlansOff     ProposalKind = "SWITCH_PLANS_OFF"
	EndAssignment      ProposalKind = "END_ASSIGNMENT"
	LeaveGroup         ProposalKind = "LEAVE_GROUP"
	JoinGroup          ProposalKind = "JOIN_GROUP"
	AssignProduct      ProposalKind = "ASSIGN_PRODUCT"
	FreeSeat           ProposalKind = "FREE_SEAT"
	ResumeSubscription ProposalKind = "RESUME_SUBSCRIPTION"
	BuySeats           ProposalKind = "BUY_SEATS"
)

var proposalKinds = []ProposalKind{
	EnableAccount, SetUsageLocation, SwitchPlansOn, SwitchPlansOff, EndAssignment, LeaveGroup, JoinGroup, AssignProduct,
	FreeSeat, ResumeSubscription, BuySeats,
}

// proposalsPerKind bounds how many proposals of a kind are told.
const proposalsPerKind = 3

// smallestFirst brings proposals into their order and leaves out what is beyond the bound: the fewest
// other users, then the fewest plans lost, then by kind, purchases last, then the smallest input.
func smallestFirst(all []*Proposal) []*Proposal {
	slices.SortFunc(all, func(a, b *Proposal) int {
		return cmp.Or(
			cmp.Compare(a.UsersTouched, b.UsersTouched), cmp.Compare(len(a.PlansLost), len(b.PlansLost)),
			cmp.Compare(slices.Index(proposalKinds, a.Kind), slices.Index(proposalKinds, b.Kind)),
			cmp.Compare(a.size, b.size), strings.Compare(a.name, b.name),
		)
	})
	told := map[ProposalKind]int{}
	return slices.DeleteFunc(all, func(p *Proposal) bool {
		told[p.Kind]++
		return told[p.Kind] > proposalsPerKind
	})
}

// object is a JSON object of an input.
type object = map[string]any

// assignInput is the input of assignLicenses for one principal. Losses are never acknowledged in
// it: where they have to be, the mutation asks (R27).
func assignInput(kind id.Kind, principal uuid.UUID, field string, item any) object {
	return object{"principalIds": []any{id.Format(kind, principal)}, field: []any{item}}
}

// switchInput switches plans of a product on or off.
func switchInput(kind id.Kind, principal uuid.UUID, p *Product, field string, plans []*Plan) object {
	return assignInput(kind, principal, "add", object{
		"productId": p.NodeID(), "plans": object{"switch": object{field: planIDs(plans)}},
	})
}

func planIDs(plans []*Plan) []any {
	ids := make([]any, len(plans))
	for i, p := range plans {
		ids[i] = p.NodeID()
	}
	return ids
}

package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"

	"github.com/licensegraph/licensegraph/internal/id"
)

// mutation is a change as it is sent.
type mutation struct {
	query     string
	variables map[string]any
}

// changed refuses an answer that says that nothing changed.
func (m mutation) changed(answer []byte) error {
	if !bytes.Contains(answer, []byte(`"changed":true`)) {
		return fmt.Errorf("the server says that nothing changed: %.1000s", answer)
	}
	return nil
}

// mutate makes changes that are not measured.
func (r *run) mutate(ctx context.Context, all ...mutation) error {
	for _, m := range all {
		var answer json.RawMessage
		if err := r.ask(ctx, m.query, m.variables, &answer); err != nil {
			return err
		}
		if err := m.changed(answer); err != nil {
			return err
		}
	}
	return nil
}

func one(m func(*run) mutation) func(*run) []mutation {
	return func(r *run) []mutation { return []mutation{m(r)} }
}

const (
	assignQuery = `mutation($input: AssignLicensesInput!) { assignLicenses(input: $input) {
		changed userErrors { code message } impact { usersGaining usersLosing usersChanged usersInError } } }`
	previewQuery = `mutation($input: AssignLicensesInput!) { assignLicenses(input: $input) { changed userErrors { code message }
		impact { usersGaining changes(first: 100) { totalCount nodes { user { displayName } product { displayName } kind } } } } }`
	addQuery    = `mutation($input: AddGroupMembersInput!) { addGroupMembers(input: $input) { changed userErrors { code message } impact { usersGaining usersInError } } }`
	takeQuery   = `mutation($input: RemoveGroupMembersInput!) { removeGroupMembers(input: $input) { changed userErrors { code message } impact { usersLosing } } }`
	updateQuery = `mutation($input: UpdateSubscriptionInput!) { updateSubscription(input: $input) { changed userErrors { code message } impact { usersGaining } } }`
)

// acknowledged agrees to any number of losses.
const acknowledged = math.MaxInt32

func assign(principals []string, add []any, remove ...string) mutation {
	return mutation{assignQuery, map[string]any{"input": map[string]any{
		"principalIds": principals, "add": add, "remove": remove, "atomic": true, "acknowledgeLosses": acknowledged,
	}}}
}

func groupText(n int) string   { return id.Format(id.Group, key(groupID, n)) }
func userText(n int) string    { return id.Format(id.User, key(userID, n)) }
func productText(n int) string { return id.Format(id.Product, key(productID, n)) }

func license(product int, except []string) any {
	in := map[string]any{"productId": productText(product)}
	if except != nil {
		in["plans"] = map[string]any{"except": except}
	}
	return in
}

// somePlans are two plans of a product.
func (r *run) somePlans(product int) (plans []string) {
	for _, p := range r.tenant.productPlans()[product][:2] {
		plans = append(plans, id.Format(id.Plan, key(planID, p)))
	}
	return plans
}

func assignAll(product int, except []string) func(*run) mutation {
	return func(*run) mutation { return assign([]string{groupText(groupAll)}, []any{license(product, except)}) }
}

func removeAll(product int) func(*run) mutation {
	return func(*run) mutation { return assign([]string{groupText(groupAll)}, nil, productText(product)) }
}

// previewAll asks what assigning would do, and for the first of those whom it would be done to.
func previewAll(r *run) mutation {
	m := assignAll(productEverybody, nil)(r)
	m.query = previewQuery
	m.variables["input"].(map[string]any)["dryRun"] = true
	return m
}

func swapAll(*run) mutation {
	return assign([]string{groupText(groupAll)}, []any{license(productSwap, nil)}, productText(productEverybody))
}

func nestChange(*run) mutation {
	return mutation{addQuery, map[string]any{"input": map[string]any{
		"groupId": groupText(groupParent), "memberIds": []string{groupText(groupNestable)}, "atomic": true,
	}}}
}

func unnestChange(*run) mutation { return takeFrom(groupParent, []string{groupText(groupNestable)}) }

func takeFrom(group int, members []string) mutation {
	return mutation{takeQuery, map[string]any{"input": map[string]any{
		"groupId": groupText(group), "memberIds": members, "atomic": true, "acknowledgeLosses": acknowledged,
	}}}
}

func addMember(user int) mutation {
	return mutation{addQuery, map[string]any{"input": map[string]any{"groupId": groupText(groupAll), "memberIds": []string{userText(user)}}}}
}

func removeMembers(users []int) mutation {
	var members []string
	for _, u := range users {
		members = append(members, userText(u))
	}
	return takeFrom(groupAll, members)
}

// bulkUsers are users with a location who have nothing of their own.
func (r *run) bulkUsers() (principals []string) {
	for u := 0; u < r.tenant.Users && len(principals) < r.tenant.bulk; u++ {
		if u%directEvery != 0 && country(u) != "" {
			principals = append(principals, userText(u))
		}
	}
	return principals
}

func assignUsers(r *run) mutation   { return assign(r.bulkUsers(), []any{license(productBulk, nil)}) }
func unassignUsers(r *run) mutation { return assign(r.bulkUsers(), nil, productText(productBulk)) }

// findSubscription finds the subscription of the scarce product.
func (r *run) findSubscription(ctx context.Context) error {
	var got struct {
		SubscribedProduct struct{ Subscriptions []struct{ ID string } }
	}
	err := r.ask(ctx, `query($product: ID!) { subscribedProduct(productId: $product) { subscriptions { id } } }`,
		map[string]any{"product": productText(productScarce)}, &got)
	if err == nil && len(got.SubscribedProduct.Subscriptions) != 1 {
		err = fmt.Errorf("%s has %d subscriptions", productName(productScarce), len(got.SubscribedProduct.Subscriptions))
	}
	if err == nil {
		r.scarce = got.SubscribedProduct.Subscriptions[0].ID
	}
	return err
}

func (r *run) setSeats(seats int) mutation {
	return mutation{updateQuery, map[string]any{"input": map[string]any{"id": r.scarce, "seats": seats}}}
}

// buyEnough buys a seat for everybody who waits.
func buyEnough(r *run) mutation { return r.setSeats(r.tenant.sizes[groupAll]) }

// waitAgain takes the seats away again: nobody holds the product for a moment, since who holds
// one keeps it when seats go.
func waitAgain(r *run) []mutation {
	return []mutation{removeAll(productScarce)(r), r.setSeats(r.tenant.seats(productScarce)), assignAll(productScarce, nil)(r)}
}

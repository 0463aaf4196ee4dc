package id_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/id"
)

func TestEveryKindSurvivesTheRoundTrip(t *testing.T) {
	u := uuid.MustParse("05E9A617-0261-4CEE-BB44-138D3EF5D965")
	for _, k := range []id.Kind{id.Tenant, id.User, id.Group, id.Product, id.Plan, id.Assignment, id.Subscription, id.Audit, id.Token} {
		s := id.Format(k, u)
		got, err := id.Parse(k, s)
		if err != nil || got != u || !strings.HasPrefix(s, string(k)+"_") {
			t.Errorf("%s: %q gave %v, %v", k, s, got, err)
		}
	}
}

func TestMalformedIdsAreRefused(t *testing.T) {
	u := uuid.MustParse("05e9a617-0261-4cee-bb44-138d3ef5d965")
	for name, s := range map[string]string{
		"empty": "", "bare uuid of a user": u.String(), "other prefix": id.Format(id.Group, u),
		"unknown prefix": "thing_01jqk9v5t8e4ha3m2c6xw0yzpb", "upper case": strings.ToUpper(id.Format(id.User, u)),
		"overflow": "user_8zzzzzzzzzzzzzzzzzzzzzzzzz", "NUL": id.Format(id.User, u) + "\x00", "padded": " " + id.Format(id.User, u),
	} {
		if _, err := id.Parse(id.User, s); !errors.Is(err, id.ErrMalformed) {
			t.Errorf("%s: %q was accepted (%v)", name, s, err)
		}
	}
}

func TestProductsAndPlansAcceptTheVendorUUIDInAnyCase(t *testing.T) {
	u := uuid.MustParse("05e9a617-0261-4cee-bb44-138d3ef5d965")
	for _, s := range []string{u.String(), strings.ToUpper(u.String()), "\u00a0" + u.String() + " "} {
		if got, err := id.Parse(id.Product, s); err != nil || got != u {
			t.Errorf("%q: %v, %v", s, got, err)
		}
	}
	for _, s := range []string{"{" + u.String() + "}", "urn:uuid:" + u.String(), strings.ReplaceAll(u.String(), "-", "")} {
		if _, err := id.Parse(id.Plan, s); err == nil {
			t.Errorf("%q was accepted", s)
		}
	}
}

package directory

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/licensegraph/licensegraph/internal/country"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/optional"
	"github.com/licensegraph/licensegraph/internal/textkey"
)

// Limits of fields, in characters. Those of the principal name are its parts' limits in mail
// addresses (RFC 5321, 4.5.3.1.1 and 4.5.3.1.2).
const (
	maxText        = 256
	maxDescription = 1024
	maxLocal       = 64
	maxDomain      = 255
)

// refusals gathers what is wrong with an input, field by field.
type refusals []error

func (r *refusals) add(field string, e *fault.Error) {
	if e != nil {
		*r = append(*r, e.At(field))
	}
}

// err returns all refusals as one error, nil where there are none. Each is a *fault.Error
// that errors.As, and Unwrap() []error, find.
func (r refusals) err() error { return errors.Join(r...) }

// value checks a field that cannot be empty and is given, or may be left out.
func (r *refusals) value(field string, o optional.Optional[string], check func(string) *fault.Error) {
	if o.Null() {
		r.add(field, required(field))
	} else if o.Set {
		r.add(field, check(*o.Value))
	}
}

// clearable checks a field that null clears.
func (r *refusals) clearable(field string, value *string, check func(string) *fault.Error) {
	if value != nil {
		r.add(field, check(*value))
	}
}

func required(field string) *fault.Error {
	return fault.New(fault.Required, "%s cannot be empty, so null is refused.", field).
		Fix("Leave the field out to keep what is stored.")
}

// text returns the check of a plain text of 1 to limit characters.
func text(field string, limit int) func(string) *fault.Error {
	return func(value string) *fault.Error {
		if e := plain(field, value); e != nil {
			return e
		}
		if n := utf8.RuneCountInString(value); n > limit {
			return fault.New(fault.InvalidValue, "%s has %d characters, more than %d.", field, n, limit).Fix("Shorten it.")
		}
		return nil
	}
}

// optionalText is text for a field that can be empty: by null.
func optionalText(field string, limit int) func(string) *fault.Error {
	check := text(field, limit)
	return func(value string) *fault.Error {
		e := check(value)
		if e != nil && strings.TrimSpace(value) == "" {
			return e.Fix("Give a value, or null for none.")
		}
		return e
	}
}

// plain refuses what no field holds.
func plain(field, value string) *fault.Error {
	switch {
	case !utf8.ValidString(value):
		return fault.New(fault.InvalidValue, "%s is not valid Unicode text.", field).Fix("Send it as UTF-8.")
	case strings.TrimSpace(value) == "":
		return fault.New(fault.InvalidValue, "%s is blank.", field).Fix("Give at least one visible character.")
	case strings.ContainsFunc(value, unicode.IsControl):
		return fault.New(fault.InvalidValue, "%s holds control characters: %s.", field, fault.Quote(value)).
			Fix("Leave out line breaks, tabs and other control characters.")
	}
	return nil
}

// displayName checks a name to show. Its key must fit an index, and some characters fold to
// many.
func displayName(value string) *fault.Error {
	const field = "displayName"
	if e := text(field, maxText)(value); e != nil {
		return e
	}
	return keyed(field, value)
}

func keyed(field, value string) *fault.Error {
	if n := utf8.RuneCountInString(textkey.Fold(value)); n > 2*maxText {
		return fault.New(fault.InvalidValue, "%s has characters that stand for several: %d of them in all, more than %d.", field, n, 2*maxText).
			Fix("Shorten it.")
	}
	return nil
}

// principalName checks a userPrincipalName (R18): NAME@DOMAIN without blanks.
func principalName(value string) *fault.Error {
	const field = "userPrincipalName"
	const form = "Give a name of the form anna.berg@example.com."
	if e := plain(field, value); e != nil {
		return e
	}
	local, domain, _ := strings.Cut(value, "@")
	switch {
	case strings.ContainsFunc(value, unicode.IsSpace):
		return fault.New(fault.InvalidValue, "The userPrincipalName %s holds blanks.", fault.Quote(value)).Fix(form)
	case strings.Count(value, "@") != 1 || local == "" || domain == "":
		return fault.New(fault.InvalidValue, "The userPrincipalName %s does not have exactly one @ with something on both sides.", fault.Quote(value)).
			Fix(form)
	case utf8.RuneCountInString(local) > maxLocal || utf8.RuneCountInString(domain) > maxDomain:
		return fault.New(fault.InvalidValue, "The userPrincipalName %s has more than %d characters before or %d after its @.",
			fault.Quote(value), maxLocal, maxDomain).Fix("Shorten it.")
	}
	return keyed(field, value)
}

// mail checks an e-mail address loosely: what is deliverable only the mail server knows.
func mail(value string) *fault.Error {
	if e := optionalText("mail", maxLocal+1+maxDomain)(value); e != nil {
		return e
	}
	at := strings.LastIndexByte(value, '@')
	if at <= 0 || at == len(value)-1 || strings.ContainsFunc(value, unicode.IsSpace) {
		return fault.New(fault.InvalidValue, "%s is not an e-mail address.", fault.Quote(value)).
			Fix("Give an address of the form anna.berg@example.com, or null for none.")
	}
	return nil
}

// usageLocation checks a country code (R18); it is stored in upper case.
func usageLocation(value string) *fault.Error {
	_, e := country.Parse(value)
	if e != nil && strings.TrimSpace(value) == "" {
		return e.Fix("Give the ISO 3166-1 alpha-2 code of a country, for example NL, or null for none.")
	}
	return e
}

// upperCase returns a checked country code as it is stored.
func upperCase(code *string) *string {
	if code == nil {
		return nil
	}
	upper := strings.ToUpper(*code)
	return &upper
}

// Package country knows the country codes that a place can be given by: ISO 3166-1 alpha-2.
package country

import (
	"strings"

	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/locale"
)

// assigned are the 249 officially assigned codes of ISO 3166-1 (the Online Browsing Platform
// of ISO, https://www.iso.org/obp/ui/#search/code/; the same in Debian's iso-codes 4.15 and
// in the time zone database's iso3166.tab). golang.org/x/text/language does not do: to it
// reserved and withdrawn codes such as AC, EZ, SU, UN and XK are countries, too.
const assigned = "" +
	"AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM " +
	"BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX " +
	"CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG " +
	"GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR " +
	"IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV " +
	"LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE " +
	"NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO " +
	"RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF " +
	"TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF " +
	"WS YE YT ZA ZM ZW"

// Parse reads a code in any letter case and returns it in upper case.
//
// The refusal is INVALID_VALUE and names the value: blank, padded, of another length,
// reserved or unassigned (R18).
func Parse(value string) (string, *fault.Error) {
	code := upper(value)
	switch {
	case strings.TrimSpace(value) == "":
		return "", fault.New(fault.InvalidValue, "The country code is blank.").Fix(example)
	case strings.TrimSpace(value) != value:
		return "", fault.New(fault.InvalidValue, "The country code %s has blanks around it.", fault.Quote(value)).Fix(example)
	case len(code) != 2 || !letter(code[0]) || !letter(code[1]):
		return "", fault.New(fault.InvalidValue, "%s is not a country code of two letters.", fault.Quote(value)).Fix(example)
	case !isAssigned(code):
		return "", fault.New(fault.InvalidValue, "%s is not an assigned country code of ISO 3166-1%s.", fault.Quote(value), instead[code]).
			Fix(example)
	}
	return code, nil
}

const example = "Give the ISO 3166-1 alpha-2 code of a country, for example NL, US or GB."

// instead helps with codes that are often taken for a country's.
var instead = map[string]locale.Text{
	"UK": locale.T(" (the United Kingdom is GB)"),
	"EL": locale.T(" (Greece is GR)"),
	"EU": locale.T(" (the European Union is not a country)"),
	"XK": locale.T(" (Kosovo has none)"),
}

// isAssigned looks up a code of two capital letters; blanks keep neighbours apart.
func isAssigned(code string) bool { return strings.Contains(assigned, code) }

func letter(c byte) bool { return 'A' <= c && c <= 'Z' }

// upper raises ASCII letters only: the capital of ı is I, but it is in no code.
func upper(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'a' <= c && c <= 'z' {
			b[i] = c - 'a' + 'A'
		}
	}
	return string(b)
}

// Codes returns the assigned codes, sorted.
func Codes() []string { return strings.Fields(assigned) }

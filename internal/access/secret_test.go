package access

import (
	"bytes"
	"crypto/rand"
	"errors"
	"regexp"
	"strings"
	"testing"
)

func TestTokensHaveTheirFormWhateverTheSecret(t *testing.T) {
	form := regexp.MustCompile(`^lgt_[0-9A-Za-z]{49}$`)
	secrets := [][]byte{bytes.Repeat([]byte{0}, 32), bytes.Repeat([]byte{0xff}, 32)}
	for range 100 {
		secret := make([]byte, 32)
		if _, err := rand.Read(secret); err != nil {
			t.Fatal(err)
		}
		secrets = append(secrets, secret)
	}
	seen := map[string]bool{}
	for _, secret := range secrets {
		token, err := makeToken(bytes.NewReader(secret))
		if err != nil || !form.MatchString(token) || seen[token] {
			t.Fatalf("made %q, %v", token, err)
		}
		seen[token] = true
		if _, err := digest(token); err != nil {
			t.Fatalf("%s: %v", token, err)
		}
	}
}

func TestATokenIsNeverMadeOfTooLittleRandomness(t *testing.T) {
	if token, err := makeToken(strings.NewReader("short")); err == nil {
		t.Errorf("made %s", token)
	}
}

// The checksum is that of CRC-32/ISO-HDLC ("123456789" gives 0xCBF43926), in base 62.
func TestTheChecksumIsCRC32InBase62(t *testing.T) {
	if got := checksum("123456789"); got != "3jZRME" {
		t.Errorf("checksum is %s", got)
	}
}

func TestEveryMistypedCharacterIsNoticed(t *testing.T) {
	token, err := makeToken(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for i := range token {
		for _, c := range []byte{'0', 'z', 'A', '_', ' ', 0, 0xc3} {
			if wrong := token[:i] + string([]byte{c}) + token[i+1:]; wrong != token {
				if _, err := digest(wrong); err == nil {
					t.Errorf("%q passes", wrong)
				}
			}
		}
	}
	for _, wrong := range []string{"", "lgt_", token[1:], token + "0", token[:len(token)-1], " " + token, strings.ToUpper(token)} {
		if _, err := digest(wrong); err == nil {
			t.Errorf("%q passes", wrong)
		}
	}
}

func FuzzOnlyTextsInTheFormOfATokenWithItsChecksumPass(f *testing.F) {
	token, err := makeToken(bytes.NewReader(make([]byte, 32)))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(token)
	f.Add("lgt_" + strings.Repeat("0", 49))
	f.Add("ghp_" + token[4:])
	f.Fuzz(func(t *testing.T, text string) {
		hash, err := digest(text)
		if err != nil {
			if !errors.Is(err, errForm) && !errors.Is(err, errChecksum) || hash != nil {
				t.Errorf("%q: %x, %v", text, hash, err)
			}
			return
		}
		if len(hash) != 32 || len(text) != 53 || text[:4] != "lgt_" || checksum(text[4:47]) != text[47:] {
			t.Errorf("%q passes", text)
		}
	})
}

package access

import (
	"crypto/sha256"
	"errors"
	"hash/crc32"
	"io"
	"math/big"
	"strings"
)

// A token is lgt_, 32 random bytes in base 62 (43 digits), and the CRC-32 of these digits in
// base 62 (6 digits), 53 characters in all. The checksum tells mistyped and invented tokens
// from real ones without asking the database, and lets scanners find leaked ones; it is the
// form of GitHub's tokens.
const (
	prefix         = "lgt_"
	secretBytes    = 32
	secretDigits   = 43
	checksumDigits = 6
	tokenLength    = len(prefix) + secretDigits + checksumDigits
	digits         = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// Reasons why a text is not a token. They never leave the server.
var (
	errForm     = errors.New("not in the form of a token")
	errChecksum = errors.New("the token's checksum is wrong")
)

// makeToken returns a new token.
func makeToken(random io.Reader) (string, error) {
	secret := make([]byte, secretBytes)
	if _, err := io.ReadFull(random, secret); err != nil {
		return "", err
	}
	text := base62(new(big.Int).SetBytes(secret), secretDigits)
	return prefix + text + checksum(text), nil
}

// digest checks the form and the checksum of a token and returns what is stored of it.
func digest(token string) ([]byte, error) {
	if len(token) != tokenLength || !strings.HasPrefix(token, prefix) {
		return nil, errForm
	}
	text := token[len(prefix) : len(prefix)+secretDigits]
	if strings.Trim(token[len(prefix):], digits) != "" {
		return nil, errForm
	}
	if token[len(prefix)+secretDigits:] != checksum(text) {
		return nil, errChecksum
	}
	sum := sha256.Sum256([]byte(token))
	return sum[:], nil
}

func checksum(text string) string {
	return base62(new(big.Int).SetUint64(uint64(crc32.ChecksumIEEE([]byte(text)))), checksumDigits)
}

// base62 writes a number with a fixed count of digits, enough for every value given to it.
func base62(n *big.Int, count int) string {
	out := make([]byte, count)
	base, digit := big.NewInt(int64(len(digits))), new(big.Int)
	for i := count - 1; i >= 0; i-- {
		n.DivMod(n, base, digit)
		out[i] = digits[digit.Int64()]
	}
	return string(out)
}

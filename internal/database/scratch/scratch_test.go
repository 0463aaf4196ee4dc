package scratch_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/licensegraph/licensegraph/internal/database/scratch"
)

func TestWithoutAServerTheErrorSaysHowToStartOne(t *testing.T) {
	t.Setenv(scratch.Env, "")
	_, err := scratch.Connect(t.Context())
	if !errors.Is(err, scratch.ErrNoServer) || !strings.Contains(err.Error(), "make test") {
		t.Errorf("error %v", err)
	}
}

func TestATemplateIsMadeOnce(t *testing.T) {
	server, err := scratch.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Close() }()
	key := strings.ToLower(t.Name())
	made := 0
	for range 2 {
		name, err := server.Template(t.Context(), key, func(url string) error {
			made++
			if !strings.HasPrefix(url, "postgres://") {
				t.Errorf("url %s", url)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = server.Drop(t.Context(), name) }()
	}
	if made != 1 {
		t.Errorf("made %d times", made)
	}
	broken := errors.New("broken")
	if _, err := server.Template(t.Context(), key+"2", func(string) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
}

package main_test

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
)

// logged is a process whose stderr goes to a file.
type logged struct {
	*testing.T
	*exec.Cmd
	path string
}

func (h *host) start(t *testing.T, args ...string) *logged {
	t.Helper()
	l := &logged{t, exec.CommandContext(t.Context(), program, args...), filepath.Join(t.TempDir(), "log")}
	file, err := os.Create(l.path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	l.Cmd.Env = append(os.Environ(), "LICENSEGRAPH_DATABASE_URL="+h.url)
	l.Cmd.Stderr = file
	if err := l.Start(); err != nil {
		t.Fatal(err)
	}
	return l
}

// log is what the process has written.
func (l *logged) log() string {
	l.Helper()
	text, err := os.ReadFile(l.path)
	if err != nil {
		l.Fatal(err)
	}
	return string(text)
}

// address waits until the process serves.
func (l *logged) address() string {
	l.Helper()
	for range 3000 {
		if found := regexp.MustCompile(`"url":"([^"]+)"`).FindStringSubmatch(l.log()); found != nil {
			return found[1]
		}
		time.Sleep(10 * time.Millisecond)
	}
	l.Fatalf("it does not serve: %s", l.log())
	return ""
}

// end asks the process to end and returns its exit code.
func (l *logged) end(signal syscall.Signal) int {
	l.Helper()
	if err := l.Process.Signal(signal); err != nil {
		l.Fatal(err)
	}
	_ = l.Wait() // its exit code tells
	return l.ProcessState.ExitCode()
}

func TestServeNamesRequestsInItsLogTellsNoSecretsAndEndsInOrder(t *testing.T) {
	h := &host{url: dbtest.URL(t, database.SQLite)}
	tenant := h.must(t, "tenant", "create", "Example Ltd", "--country", "NL")
	h.token = h.must(t, "token", "create", "--tenant", "Example Ltd", "--role", "GLOBAL_READER", "--name", "first")
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
		s := h.start(t, "serve", "--listen", "127.0.0.1:0")
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.address()+"/graphql",
			strings.NewReader(`{"query":"query First { viewer { name roles tenant { id } } }"}`))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+h.token)
		request.Header.Set("Content-Type", "application/json")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		want := `{"data":{"viewer":{"name":"first","roles":["GLOBAL_READER"],"tenant":{"id":"` + tenant + `"}}}}`
		if err != nil || string(bytes.TrimSpace(answer)) != want {
			t.Errorf("%s, %v", answer, err)
		}
		if code := s.end(signal); code != 0 {
			t.Errorf("%s: exit code %d", signal, code)
		}
		for _, text := range []string{
			`"message":"serving"`, `"request_id":"` + response.Header.Get("X-Request-Id") + `"`, `"operation":"First"`,
			`"tenant":"` + tenant + `"`, `"message":"stopped"`,
		} {
			if !strings.Contains(s.log(), text) {
				t.Errorf("the log lacks %s:\n%s", text, s.log())
			}
		}
		if strings.Contains(s.log(), h.token) || strings.Contains(s.log(), "reach this address") {
			t.Errorf("the log holds a token, or a warning on the loopback:\n%s", s.log())
		}
	}
}

func TestServeWarnsWhereOtherMachinesCanReachIt(t *testing.T) {
	h := &host{url: dbtest.URL(t, database.SQLite)}
	s := h.start(t, "serve", "--listen", "0.0.0.0:0")
	if address := s.address(); !strings.HasPrefix(address, "http://localhost:") {
		t.Errorf("address: %s", address)
	}
	if code := s.end(syscall.SIGTERM); code != 0 || !strings.Contains(s.log(), "put a proxy with TLS in front of it") {
		t.Errorf("exit code %d: %s", code, s.log())
	}
}

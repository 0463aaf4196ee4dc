package cli_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/licensegraph/licensegraph/internal/cli"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
)

// startServer serves until the returned function is called, which checks that it ends in order, and
// returns the URLs that its log tells, in order.
func startServer(t *testing.T, urls int, args ...string) (found []string, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	var stderr output
	ended := make(chan int, 1)
	go func() {
		ended <- cli.Main(ctx, cli.Process{Args: append([]string{"serve", "--log-format", "json"}, args...), Stdout: &bytes.Buffer{}, Stderr: &stderr})
	}()
	for len(found) < urls {
		select {
		case code := <-ended:
			t.Fatalf("it ended with %d: %s", code, stderr.String())
		case <-time.After(10 * time.Millisecond):
		}
		found = nil
		for _, m := range regexp.MustCompile(`"url":"([^"]+)"`).FindAllStringSubmatch(stderr.String(), -1) {
			found = append(found, m[1])
		}
	}
	return found, func() {
		t.Helper()
		cancel()
		if code := <-ended; code != 0 {
			t.Errorf("exit code %d: %s", code, stderr.String())
		}
	}
}

func get(t *testing.T, url string, header ...string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(header) == 2 {
		request.Header.Set(header[0], header[1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func TestProfilesAreTakenOnTheOperatorsAddressAlone(t *testing.T) {
	url := dbtest.URL(t, database.SQLite)
	found, stop := startServer(t, 2, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--database-url", url)
	admin, public := found[0], found[1]
	for path, want := range map[string]string{
		"/debug/pprof/":                  "goroutine",
		"/debug/pprof/heap?debug=1":      "heap profile",
		"/debug/pprof/goroutine?debug=1": "goroutine profile",
		"/debug/pprof/allocs":            "",
		"/debug/pprof/profile?seconds=1": "",
		"/debug/pprof/trace?seconds=0.1": "go 1.",
		"/livez":                         `"alive"`,
		"/readyz":                        `"ready"`,
	} {
		if code, body := get(t, admin+path); code != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("operators get %d for %s: %.200q", code, path, body)
		}
		if code, body := get(t, public+path); strings.HasPrefix(path, "/debug") && code != http.StatusNotFound {
			t.Errorf("everybody gets %d for %s: %.200q", code, path, body)
		}
	}
	for _, path := range []string{"/graphql", "/", "/debug/pprof/cmdline"} { // the last may tell the database's password
		if code, _ := get(t, admin+path); code != http.StatusNotFound {
			t.Errorf("operators get %d for %s", code, path)
		}
	}
	if code, _ := get(t, admin+"/debug/pprof/heap", "Sec-Fetch-Site", "cross-site"); code != http.StatusForbidden {
		t.Errorf("a page of another site gets %d", code)
	}
	stop()
	for _, url := range found {
		if conn, err := net.DialTimeout("tcp", strings.TrimPrefix(url, "http://"), time.Second); err == nil {
			_ = conn.Close()
			t.Errorf("%s still listens", url)
		}
	}
}

func TestWithoutAnAddressForOperatorsThereIsNone(t *testing.T) {
	found, stop := startServer(t, 1, "--listen", "127.0.0.1:0", "--database-url", dbtest.URL(t, database.SQLite))
	stop()
	if len(found) != 1 {
		t.Errorf("it listens on %q", found)
	}
}

func TestServeFailsWhereTheOperatorsAddressIsTaken(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	url := dbtest.URL(t, database.SQLite)
	o := on(t, url, "serve", "--listen", "127.0.0.1:0", "--admin-listen", listener.Addr().String())
	o.refused(t, 1, "address already in use")
}

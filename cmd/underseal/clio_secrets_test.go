package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/underseal/underseal/internal/testenv"
)

// The application's secret and the tokens are never shown, and rest nowhere in
// the clear; a value that was sealed is in no file either, neither in the
// export nor in the journal.
func TestClioNothingShown(t *testing.T) {
	testenv.NotShort(t)
	t.Parallel()
	w := newClioWorld(t)
	const value = "the-settlement-is-secret-4711"
	contacts := w.person(http.MethodGet, "/contacts?fields=id,custom_field_values{id,value,custom_field}", nil)
	if !strings.Contains(string(contacts), "custom_field_values") {
		t.Fatal("no contacts")
	}
	w.edit(w.values("SSN")[0], value)
	var h hidden
	for _, s := range w.secrets {
		h.addDevice(s)
	}
	h.add("the application's secret", clioSecret)
	h.add("a value", value)

	var said []string
	try := func(who string, args ...string) {
		for _, more := range [][]string{nil, {"--json"}} {
			r := w.try(who, append(append([]string{}, args...), more...)...)
			said = append(said, fmt.Sprintf("%v (exit %d):\n%s%s", args, r.code, r.stdout, r.stderr))
		}
	}
	try("alice", w.connectArgs("--share-with", emailOf("bob"))...)
	try("bob", "clio", "connect", "--port", "0")
	try("alice", "clio", "fields")
	try("alice", "clio", "enable", "SSN", "Court", "--dry-run")
	try("alice", "clio", "enable", "SSN", "Court", "--yes")
	w.edit(w.values("SSN")[1], value)
	try("alice", "clio", "verify")
	try("alice", "clio", "status")
	try("alice", "clio", "report")
	try("alice", "job", "list")
	try("alice", "job", "undo", "--yes")
	try("alice", "status")
	try("alice", "log", "show")
	if err := w.sim.RevokeUser(t.Context(), clioUser("alice")); err != nil {
		t.Fatal(err)
	}
	try("alice", "clio", "fields")
	try("alice", "clio", "disconnect")

	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.tokens) < 4 {
		t.Fatalf("only %d tokens were given out", len(w.tokens))
	}
	for _, token := range w.tokens {
		h.add("a token", token)
	}
	for _, text := range said {
		where, _, _ := strings.Cut(text, "\n")
		h.check(t, where, text)
	}
	for _, dir := range []string{"firm", "alice", "bob"} {
		for path, content := range contents(t, w.path(dir)) {
			h.check(t, path, content)
		}
	}
	if _, err := os.Stat(filepath.Join(w.path("bob"), connectionFile)); err != nil {
		t.Error("Bob is not connected, so that nothing was looked at:", err)
	}
}

package deptest

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestImports(t *testing.T) {
	t.Parallel()
	exists := map[string]bool{}
	broken := map[string][]string{} // by rule and chain: the systems
	for _, on := range targets {
		g := load(t, on)
		// Without this a fault in loading would let everything pass.
		if !slices.Contains(g.own(), "./internal/wire") || len(g["./internal/wire"]) == 0 {
			t.Fatalf("%s/%s: the graph lacks internal/wire: %d packages of ours", on.os, on.arch, len(g.own()))
		}
		for _, p := range g.own() {
			exists[p] = true
		}
		for _, line := range check(g, on) {
			broken[line] = append(broken[line], on.os)
		}
	}
	for _, line := range slices.Sorted(maps.Keys(broken)) {
		t.Errorf("%s on %s", line, strings.Join(broken[line], ", "))
	}
	checkNamed(t, exists)
}

// checkNamed fails for a package that a rule names and that does not exist: a
// rule about a package that was renamed checks nothing.
func checkNamed(t *testing.T, exists map[string]bool) {
	t.Helper()
	named := map[string]bool{}
	for _, r := range rules {
		for _, p := range slices.Concat(r.from, r.except, r.deny, r.only) {
			if strings.HasPrefix(p, "./") && p != everything[0] {
				named[p] = true
			}
		}
	}
	for _, l := range layers {
		for _, p := range l.packages {
			named[p] = true
		}
	}
	for _, pattern := range slices.Sorted(maps.Keys(named)) {
		found := false
		for p := range exists {
			found = found || matches(p, pattern)
		}
		switch isPlanned := slices.Contains(planned, pattern); {
		case !found && !isPlanned:
			t.Errorf("a rule names %s, which does not exist", pattern)
		case found && isPlanned:
			t.Errorf("%s exists: take it out of the list of planned packages", pattern)
		}
	}
	for _, pattern := range planned {
		if !named[pattern] {
			t.Errorf("no rule names the planned package %s", pattern)
		}
	}
}

// sound is a small graph that breaks no rule.
func sound() graph {
	return graph{
		"./internal/wire":           {"github.com/fxamacker/cbor/v2", "crypto/rand", "crypto/sha256"},
		"./internal/secret":         {"crypto/rand"},
		"./internal/pubkey":         {"filippo.io/edwards25519", "./internal/wire"},
		"./internal/bech32text":     {"github.com/btcsuite/btcd/btcutil/bech32"},
		"./internal/transport/http": {"net/http"},
		"./internal/testenv":        {"testing", "os/exec"},
		"./officer/officertest":     {"testing", "math/rand/v2", "./officer", "./keyring"},
		"./officer":                 {"./internal/wire", "./internal/pubkey"},
		"./envelope":                {"./internal/secret", "github.com/cloudflare/circl/hpke"},
		"./keyring":                 {"./envelope", "./officer", "filippo.io/age"},
		"./keyring/oskeyring":       {"./keyring", "github.com/zalando/go-keyring"},
		"./store":                   {"./internal/wire", "context"},
		"./store/dirstore":          {"./store", "./internal/wire"},
		"./workspace":               {"./store", "./keyring", "./envelope", "./officer"},
		"./connector":               {"context"},
		"./connector/tabular":       {"./connector", "encoding/csv"},
		"./relay":                   {"./officer", "./internal/wire", "net/http", "database/sql"},
		"./workspace/workspacetest": {"./workspace", "testing"},
		"./cmd/underseal":           {"./workspace", "./connector/tabular", "./keyring/oskeyring", "github.com/spf13/cobra", "os/exec"},
		"./cmd/underseal-relay":     {"./relay", "net/http"},
		"./internal/cliosim":        {"net/http", "database/sql"},
		// Of libraries.
		"github.com/zalando/go-keyring": {"os/exec"},
		"net/http":                      {"os/exec"},
	}
}

// TestRulesBite shows for each rule an import that breaks it and nothing else
// in an otherwise sound graph.
func TestRulesBite(t *testing.T) {
	t.Parallel()
	if found := check(sound(), browser); found != nil {
		t.Fatalf("the sound graph breaks rules: %q", found)
	}
	bites := []struct {
		rule          string
		from, imports string
		also          []string // rules that the same import breaks as well
	}{
		{"layers", "./officer", "./store", nil},
		{"layers", "./officer", "./envelope", []string{"officer cannot decrypt", "relay cannot decrypt"}},
		{"layers", "./workspace", "./cmd/underseal", []string{"cobra under cmd", "the browser's build is small"}},
		{"layers", "./nowhere", "context", nil},
		{"names", "./internal/utils", "context", nil},
		{"officer cannot decrypt", "./internal/pubkey", "golang.org/x/crypto/chacha20poly1305", []string{"relay cannot decrypt"}},
		{"officer cannot decrypt", "./officer", "./internal/secret", []string{"relay cannot decrypt"}},
		{"relay cannot decrypt", "./relay", "crypto/hpke", []string{"HPKE in one place"}},
		{"relay is small", "./relay", "./internal/bech32text", nil},
		{"a store is opaque", "./store/dirstore", "./officer", nil},
		{"the store contract is bare", "./store", "./internal/secret", []string{}},
		{"connectors know no keys", "./connector/tabular", "./workspace", nil},
		{"connectors know no keys", "./connector", "golang.org/x/crypto/argon2", nil},
		{"cobra under cmd", "./keyring/oskeyring", "github.com/spf13/pflag", nil},
		{"the browser's build is small", "./workspace", "./keyring/oskeyring", nil},
		{"the browser's build is small", "./officer", "net/http/httptrace", []string{"HTTP behind the transport"}},
		{"test code stays in tests", "./keyring", "testing", nil},
		{"test code stays in tests", "./cmd/underseal", "./internal/testenv", nil},
		{"test code stays in tests", "./cmd/underseal", "./officer/officertest", nil},
		{"no unsafe", "./keyring", "unsafe", nil},
		{"no weak randomness", "./keyring", "math/rand/v2", nil},
		{"one suite", "./envelope", "crypto/aes", nil},
		{"one encoding", "./officer", "github.com/fxamacker/cbor/v2", nil},
		{"one text form", "./officer", "github.com/btcsuite/btcd/btcutil/bech32", nil},
		{"public keys are checked in one place", "./envelope", "filippo.io/edwards25519", nil},
		{"HPKE in one place", "./keyring", "github.com/cloudflare/circl/hpke", nil},
		{"keys are split in one place", "./workspace", "github.com/cloudflare/circl/secretsharing", nil},
		{"age in two places", "./envelope", "filippo.io/age", nil},
		{"the operating system's keyring in one place", "./cmd/underseal", "github.com/zalando/go-keyring", nil},
		{"what is printed in one place", "./cmd/underseal", "codeberg.org/go-pdf/fpdf", nil},
		{"mail in one place", "./cmd/underseal", "github.com/wneessen/go-mail", nil},
		{"libraries start no process and print nothing", "./keyring", "log", nil},
		{"HTTP behind the transport", "./store/dirstore", "net/http", nil},
		{"the simulator and the connector know nothing of each other", "./internal/cliosim", "./connector", nil},
	}
	shown := map[string]bool{}
	for _, b := range bites {
		g := sound()
		g[b.from] = append(g[b.from], b.imports)
		broken := map[string]bool{}
		for _, line := range check(g, browser) {
			name, _, _ := strings.Cut(line, ": ")
			broken[name] = true
		}
		if !broken[b.rule] {
			t.Errorf("%s → %s does not break %q", b.from, b.imports, b.rule)
		}
		shown[b.rule] = true
		for _, name := range append(b.also, b.rule) {
			delete(broken, name)
		}
		// A foundation fault shows on every floor; a rule that fires for
		// no reason would be switched off by the first who meets it.
		for name := range broken {
			if name != "layers" && name != "names" {
				t.Errorf("%s → %s breaks %q as well", b.from, b.imports, name)
			}
		}
	}
	for _, r := range slices.Concat(rules, []rule{{name: "layers"}, {name: "names"}}) {
		if !shown[r.name] {
			t.Errorf("nothing shows that the rule %q bites", r.name)
		}
		if r.reason == "" && r.from != nil {
			t.Errorf("the rule %q has no reason", r.name)
		}
	}
}

// The rule about the browser holds there alone.
func TestBrowserRule(t *testing.T) {
	t.Parallel()
	g := sound()
	g["./workspace"] = append(g["./workspace"], "./keyring/oskeyring")
	if found := check(g, targets[0]); found != nil {
		t.Errorf("on %s: %q", targets[0].os, found)
	}
	if found := check(g, browser); len(found) != 1 {
		t.Errorf("in the browser: %q", found)
	}
}

func TestChain(t *testing.T) {
	t.Parallel()
	g := graph{"a": {"b", "c"}, "b": {"d"}, "c": {"a", "e"}, "e": {"d"}}
	is := func(want string) func(string) bool { return func(p string) bool { return p == want } }
	for _, c := range []struct {
		to   string
		deep bool
		want string
	}{
		{"b", false, "a b"},
		{"d", false, ""},
		{"d", true, "a b d"},
		{"e", true, "a c e"},
		{"x", true, ""},
	} {
		if got := strings.Join(g.chain("a", c.deep, is(c.to)), " "); got != c.want {
			t.Errorf("a to %s, deep %v: %q, want %q", c.to, c.deep, got, c.want)
		}
	}
}

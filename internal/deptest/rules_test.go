package deptest

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// layer is a set of packages that may import the packages of the layers
// before it, and each other only where among says so.
type layer struct {
	name     string
	packages []string
	among    bool
}

// layers from the bottom to the top. Every package of the module is in one.
var layers = []layer{
	{"foundation", []string{
		"./internal/wire", "./internal/secret", "./internal/durable", "./internal/term", "./internal/transport/...",
		"./internal/pubkey", "./internal/datakey", "./internal/bech32text",
	}, true},
	{"primitives", []string{"./envelope", "./fieldcrypt", "./officer"}, false},
	{"keys", []string{"./keyring/...", "./docvault", "./officer/plan/..."}, true},
	{"store contract", []string{"./store"}, false},
	{"stores", []string{"./store/..."}, false},
	{"workspace", []string{"./workspace/..."}, false},
	{"connectors and bulk", []string{"./connector/...", "./bulk/..."}, true},
	{"relay", []string{"./relay/..."}, true},
	{"programs and test support", []string{"./cmd/...", "./wasm", "./internal/...", "./officer/officertest"}, true},
}

// rule denies some packages some imports.
type rule struct {
	name   string
	reason string
	// from are the packages that the rule is about, except these.
	from, except []string
	// deny is what they may not import; with deep, not even through others.
	deny []string
	deep bool
	// only, where set instead of deny, is all they may import of this module.
	only []string
	// browser: on the graph of the browser alone.
	browser bool
}

var (
	everything = []string{"./..."}
	// Packages that only tests import, and which may therefore use testing.
	testSupport = []string{"*test", "./internal/testenv", "./internal/hostile/..."}
	// What it takes to open something sealed.
	decrypting = []string{
		"github.com/cloudflare/circl/hpke", "github.com/cloudflare/circl/kem/...", "crypto/hpke",
		"filippo.io/age/...", "filippo.io/hpke/...", "golang.org/x/crypto/chacha20poly1305",
		"./envelope", "./fieldcrypt", "./docvault", "./keyring/...", "./officer/plan/...",
		"./internal/datakey", "./internal/secret",
	}
)

var rules = []rule{
	{
		name:   "officer cannot decrypt",
		reason: "P11: it is what the relay links, and the relay cannot open anything",
		from:   []string{"./officer"}, deny: decrypting, deep: true,
	},
	{
		name:   "relay cannot decrypt",
		reason: "P11: the relay's binary does not link code that could decrypt",
		from:   []string{"./relay/...", "./cmd/underseal-relay"}, deny: decrypting, deep: true,
	},
	{
		name:   "relay is small",
		reason: "P11: what it may import is a list, so that an addition is a decision",
		from:   []string{"./relay/...", "./cmd/underseal-relay"},
		only:   []string{"./relay/...", "./internal/wire", "./internal/pubkey", "./officer"},
	},
	{
		name:   "a store is opaque",
		reason: "a store keeps bytes it does not understand; the contract is all it knows",
		from:   []string{"./store/dirstore", "./store/relaystore"},
		only:   []string{"./store", "./internal/wire", "./internal/durable", "./internal/transport/..."},
	},
	{
		name:   "the store contract is bare",
		reason: "whoever writes a store needs the contract and no cryptography",
		from:   []string{"./store"}, only: []string{"./internal/wire"},
	},
	{
		name:   "connectors know no keys",
		reason: "a connector reads and writes records; what is done to a value is its caller's",
		from:   []string{"./connector/..."}, deep: true,
		// internal/secret opens nothing: a connection's own token is a secret too.
		deny: slices.Concat(without(decrypting, "./internal/secret"), []string{"./workspace/...", "./officer/...", "github.com/cloudflare/circl/...", "golang.org/x/crypto/..."}),
	},
	{
		name:   "cobra under cmd",
		reason: "the command line is a thin layer over packages that others use too",
		from:   everything, except: []string{"./cmd/..."},
		deny: []string{"github.com/spf13/...", "github.com/schollz/progressbar/..."},
	},
	{
		name:   "the browser's build is small",
		reason: "these cost megabytes or do not exist in a browser",
		from:   []string{"./workspace/...", "./store", "./connector/...", "./bulk/...", "./officer/...", "./envelope", "./fieldcrypt", "./docvault", "./internal/wasmsize", "./wasm"},
		except: testSupport,
		deny:   []string{"net/http/...", "database/sql/...", "os/exec", "github.com/spf13/...", "github.com/zalando/go-keyring", "golang.org/x/term", "./keyring/kit", "./officer/plan/escrow"},
		deep:   true, browser: true,
	},
	{
		name:   "test code stays in tests",
		reason: "a program carries no test hooks and no hostile doubles",
		from:   everything, except: testSupport,
		deny: slices.Concat(testSupport, []string{"testing/...", "pgregory.net/rapid", "github.com/rogpeppe/go-internal/..."}),
	},
	{
		name:   "no unsafe",
		reason: "memory safety is what keeps a parser's fault from being worse than an error",
		from:   everything, deny: []string{"unsafe", "C"},
	},
	{
		name:   "no weak randomness",
		reason: "keys, nonces and ids come from crypto/rand; nothing else needs chance",
		from:   everything, except: testSupport,
		deny: []string{"math/rand", "math/rand/v2"},
	},
	{
		name:   "one suite",
		reason: "P8: suite 1 is compiled in; a second algorithm is a downgrade waiting",
		from:   everything,
		deny: []string{
			"crypto/aes", "crypto/des", "crypto/dsa", "crypto/ecdsa", "crypto/elliptic",
			"crypto/md5", "crypto/rc4", "crypto/rsa", "crypto/sha1", "crypto/pbkdf2",
		},
	},
	{
		name:   "one encoding",
		reason: "the library's defaults accept what internal/wire refuses",
		from:   everything, except: []string{"./internal/wire"},
		deny: []string{"github.com/fxamacker/cbor/..."},
	},
	{
		name:   "one text form",
		reason: "the library accepts mixed lengths and prefixes, which internal/bech32text refuses",
		from:   everything, except: []string{"./internal/bech32text"},
		deny: []string{"github.com/btcsuite/..."},
	},
	{
		name:   "public keys are checked in one place",
		reason: "the curve library is for the checks that crypto/ed25519 lacks",
		from:   everything, except: []string{"./internal/pubkey"},
		deny: []string{"filippo.io/edwards25519/..."},
	},
	{
		name:   "HPKE in one place",
		reason: "envelope argues why its use is safe; a second caller would not have read it",
		from:   everything, except: []string{"./envelope"},
		deny: []string{"github.com/cloudflare/circl/hpke", "crypto/hpke"},
	},
	{
		name:   "keys are split in one place",
		reason: "the library panics on shares that are alike, and counts them its own way",
		from:   everything, except: []string{"./officer/plan/escrow"},
		deny: []string{"github.com/cloudflare/circl/secretsharing", "github.com/cloudflare/circl/group", "github.com/bwesterb/go-ristretto"},
	},
	{
		name:   "age in two places",
		reason: "documents and passphrase files are age files, nothing else is",
		from:   everything, except: []string{"./docvault", "./keyring/..."},
		deny: []string{"filippo.io/age/..."},
	},
	{
		name:   "the operating system's keyring in one place",
		reason: "it starts processes and talks to a bus; the browser has none",
		from:   everything, except: []string{"./keyring/..."},
		deny: []string{"github.com/zalando/go-keyring", "github.com/godbus/dbus/..."},
	},
	{
		name:   "what is printed in one place",
		reason: "a page or a code that holds a secret is made where its tests look at it as a picture; typefaces are megabytes",
		from:   everything, except: []string{"./keyring/kit", "./internal/qrterm"},
		deny: []string{"codeberg.org/go-pdf/...", "codeberg.org/go-fonts/...", "github.com/boombuler/..."},
	},
	{
		name:   "mail in one place",
		reason: "it demands TLS and shows no password; it is the command line's alone",
		from:   everything, except: []string{"./internal/mail"},
		deny: []string{"github.com/wneessen/...", "net/smtp"},
	},
	{
		name:   "libraries start no process and print nothing",
		reason: "a package is called by programs that own their output and their children",
		from:   everything, except: slices.Concat(testSupport, []string{"./cmd/...", "./internal/demo", "./internal/vectors", "./internal/testreport", "./keyring/agent"}),
		deny: []string{"os/exec", "log", "flag"},
	},
	{
		name:   "HTTP behind the transport",
		reason: "in the browser it is fetch, so net/http has a package of its own",
		// The demo reads the simulator as any program of a firm would.
		from: everything, except: []string{"./internal/transport/...", "./relay/...", "./cmd/...", "./internal/hostile/...", "./internal/cliosim/...", "./internal/demo"},
		deny: []string{"net/http/..."},
	},
	{
		name:   "the simulator and the connector know nothing of each other",
		reason: "each is tested against Clio's description, so that one mistake is not in both; the layers keep the connector from it",
		from:   []string{"./internal/cliosim/...", "./cmd/underseal-cliosim"}, deny: []string{"./connector/...", "./bulk/...", "./workspace/..."},
	},
}

// planned are packages of the design that rules name and nobody has written
// yet. One that exists is taken out of this list: from then on its rules fail
// where it is missing.
var planned = []string{
	"./docvault",
	"./relay/...", "./cmd/underseal-relay", "./store/relaystore", "./wasm",
}

// vague names say nothing about what a package is for.
var vague = []string{"common", "util", "utils", "helper", "helpers", "misc", "shared", "base", "lib", "types", "tools"}

func without(list []string, one string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == one })
}

// check returns what in g breaks the rules, each line naming the rule.
func check(g graph, on target) []string {
	var found []string
	for _, p := range g.own() {
		if slices.Contains(vague, path.Base(p)) {
			found = append(found, fmt.Sprintf("names: %s: a name that says nothing", p))
		}
		found = append(found, checkLayer(g, p)...)
	}
	for _, r := range rules {
		if r.browser && on != browser {
			continue
		}
		for _, p := range g.own() {
			if !matches(p, r.from...) || matches(p, r.except...) {
				continue
			}
			if way := g.chain(p, r.deep, r.denies); way != nil {
				found = append(found, fmt.Sprintf("%s: %s (%s)", r.name, strings.Join(way, " → "), r.reason))
			}
		}
	}
	return found
}

func (r rule) denies(p string) bool {
	if r.only != nil {
		return matches(p, everything...) && !matches(p, r.only...)
	}
	return matches(p, r.deny...)
}

// layerOf is the index of the first layer that p is in, or -1.
func layerOf(p string) int {
	if matches(p, testSupport...) {
		return len(layers) - 1 // whatever it stands beside
	}
	return slices.IndexFunc(layers, func(l layer) bool { return matches(p, l.packages...) })
}

func checkLayer(g graph, p string) []string {
	at := layerOf(p)
	if at < 0 {
		return []string{fmt.Sprintf("layers: %s is in no layer: add it to one", p)}
	}
	var found []string
	for _, imported := range g[p] {
		to := layerOf(imported)
		if to < 0 || to < at || to == at && layers[at].among {
			continue
		}
		found = append(found, fmt.Sprintf("layers: %s (%s) → %s (%s)", p, layers[at].name, imported, layers[to].name))
	}
	return found
}

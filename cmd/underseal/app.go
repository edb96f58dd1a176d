package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/internal/durable"
	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/term"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/keyring/keystore"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/store"
	"github.com/underseal/underseal/workspace"
)

// app is what every command works with: the surroundings of the process and
// the flags that all commands share.
type app struct {
	stdin  *os.File
	stdout io.Writer
	stderr io.Writer
	getenv func(string) string
	now    func() time.Time

	json     bool
	keyStore string
	prompter *term.Prompter
}

func newApp() *app {
	return &app{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv, now: time.Now}
}

// schemaVersion is that of everything --json prints (doc/cli.md).
const schemaVersion = 1

// run executes one command line and returns the exit code.
func run(ctx context.Context, a *app, args []string) int {
	root := newRoot(a)
	root.SetArgs(args)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	err := root.ExecuteContext(ctx)
	if a.prompter != nil {
		_ = a.prompter.Close()
	}
	if err == nil {
		return exitOK
	}
	return a.report(err)
}

// report prints an error as one line with its hint, or as JSON.
func (a *app) report(err error) int {
	p := classify(err)
	if a.json {
		a.printJSON(struct {
			Error jsonError `json:"error"`
		}{jsonError{Code: p.class.name, Exit: p.class.code, Message: p.message, Hint: p.hint}})
		return p.class.code
	}
	_, _ = fmt.Fprintf(a.stderr, "underseal: %s\n", p.message)
	if p.hint != "" {
		_, _ = fmt.Fprintf(a.stderr, "hint: %s\n", p.hint)
	}
	return p.class.code
}

type jsonError struct {
	Code    string `json:"code"`
	Exit    int    `json:"exit"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// printJSON writes v with the schema version in front.
func (a *app) printJSON(v any) {
	body, err := json.Marshal(v)
	if err != nil || len(body) < 2 || body[0] != '{' {
		_, _ = fmt.Fprintf(a.stderr, "underseal: cannot print JSON: %v\n", err)
		return
	}
	out := fmt.Appendf(nil, `{"schema_version":%d`, schemaVersion)
	if len(body) > 2 {
		out = append(out, ',')
	}
	_, _ = a.stdout.Write(append(append(out, body[1:]...), '\n'))
}

// say writes a line for people to standard error; silent with --json.
func (a *app) say(format string, args ...any) {
	if !a.json {
		_, _ = fmt.Fprintf(a.stderr, format+"\n", args...)
	}
}

// warn writes a warning for people, whatever the format of the output.
func (a *app) warn(format string, args ...any) {
	_, _ = fmt.Fprintf(a.stderr, "warning: "+format+"\n", args...)
}

// next tells what to type next.
func (a *app) next(format string, args ...any) { a.say("next: "+format, args...) }

// print writes a line of data to standard output.
func (a *app) print(format string, args ...any) { _, _ = fmt.Fprintf(a.stdout, format+"\n", args...) }

// home is the directory of all state.
func (a *app) home() (string, error) {
	if h := a.getenv("UNDERSEAL_HOME"); h != "" {
		return filepath.Abs(h)
	}
	c, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("no home folder: %w: set UNDERSEAL_HOME", err)
	}
	return filepath.Join(c, "underseal"), nil
}

// homeDir is the home folder as the workspace's Local.
type homeDir string

// maxHomeFile bounds a file of the home folder: the cache of a log of a
// million operations stays below.
const maxHomeFile = 1 << 30

// Load implements workspace.Local.
func (h homeDir) Load(name string) ([]byte, error) {
	return durable.ReadFile(filepath.Join(string(h), name), maxHomeFile)
}

// Save implements workspace.Local.
func (h homeDir) Save(name string, data []byte) error {
	if err := durable.MkdirAll(string(h), durable.Private); err != nil {
		return err
	}
	return durable.WriteFile(filepath.Join(string(h), name), data, durable.Private)
}

const (
	identityFile = "identity.cbor"
	configFile   = "config.json"
)

// config is what the home folder remembers of the person's choices.
type config struct {
	Version  int    `json:"version"`
	KeyStore string `json:"key_store"` // "os" or "file"
	Account  string `json:"account"`   // under which the key store holds the device secret
}

func (a *app) loadIdentity() (*keyring.Identity, config, error) {
	var c config
	home, err := a.home()
	if err != nil {
		return nil, c, err
	}
	b, err := homeDir(home).Load(identityFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, c, errNoIdentity
	} else if err != nil {
		return nil, c, err
	}
	id, err := keyring.ParseIdentity(b)
	if err != nil {
		return nil, c, err
	}
	b, err = homeDir(home).Load(configFile)
	if err != nil {
		return nil, c, fmt.Errorf("%s: %w", configFile, err)
	}
	if err := json.Unmarshal(b, &c); err != nil || c.Version != 1 {
		return nil, c, fmt.Errorf("%s: %w", configFile, errConfig)
	}
	return id, c, nil
}

// prompt returns the terminal to ask on, or term.ErrNoTerminal.
func (a *app) prompt() (*term.Prompter, error) {
	if a.prompter != nil {
		return a.prompter, nil
	}
	p, err := term.OpenControlling()
	if err != nil {
		return nil, err
	}
	a.prompter = p
	return p, nil
}

// passphrase asks for the key file's passphrase on a terminal.
func (a *app) passphrase(ctx context.Context, why keystore.Purpose) (*secret.Bytes, error) {
	p, err := a.prompt()
	if err != nil {
		return nil, keystore.ErrNoPassphrase
	}
	return keystore.Prompt(p)(ctx, why)
}

// chooseStore picks the key store: the flag, else what the home folder says.
func (a *app) chooseStore(ctx context.Context, recorded string) (keystore.Store, error) {
	home, err := a.home()
	if err != nil {
		return nil, err
	}
	kind := recorded
	if kind == "" {
		kind = a.keyStore
	}
	return keystore.Choose(ctx, keystore.Choice{
		Kind: kind, Dir: home, PassphraseFile: a.getenv("UNDERSEAL_PASSPHRASE_FILE"), Ask: a.passphrase,
		Warn: func(err error) { a.warn("%v", err) },
	})
}

// deviceSecret gets the device secret: from the agent if it holds it, else
// from the key store.
func (a *app) deviceSecret(ctx context.Context, c config) (*secret.Bytes, error) {
	if s, err := a.agentSecret(ctx); err == nil {
		return s, nil
	}
	ks, err := a.chooseStore(ctx, c.KeyStore)
	if err != nil {
		return nil, err
	}
	return ks.Load(ctx, c.Account)
}

// unlock opens the identity.
func (a *app) unlock(ctx context.Context) (*keyring.Unlocked, error) {
	id, c, err := a.loadIdentity()
	if err != nil {
		return nil, err
	}
	s, err := a.deviceSecret(ctx, c)
	if err != nil {
		return nil, err
	}
	defer s.Destroy()
	return id.Unlock(s)
}

// open opens the pinned organization; done clears the keys.
func (a *app) open(ctx context.Context) (w *workspace.Workspace, done func(), err error) {
	home, err := a.home()
	if err != nil {
		return nil, nil, err
	}
	if _, _, err := a.loadIdentity(); err != nil {
		return nil, nil, err
	}
	pin, err := workspace.ReadPin(homeDir(home))
	if err != nil {
		return nil, nil, err
	}
	st, err := a.openStore(pin.Location, pin.Organization)
	if err != nil {
		return nil, nil, err
	}
	me, err := a.unlock(ctx)
	if err != nil {
		_ = st.Close()
		return nil, nil, err
	}
	done = func() {
		me.Lock()
		_ = st.Close()
	}
	w, err = workspace.Open(ctx, workspace.Config{Store: st, Local: homeDir(home), Identity: me, Now: a.now})
	if err != nil {
		done()
		return nil, nil, err
	}
	return w, done, nil
}

// withWorkspace runs f with the open organization.
func (a *app) withWorkspace(f func(*cobra.Command, *workspace.Workspace, []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		w, done, err := a.open(cmd.Context())
		if err != nil {
			return err
		}
		defer done()
		for _, warning := range w.Store().Info().Warnings {
			a.warn("%s", warning)
		}
		return f(cmd, w, args)
	}
}

// checkOrganization refuses a store that says it is another organization's,
// before anything of it is read. What it says is not proof: the log is.
func checkOrganization(st store.Store, org officer.OrganizationID) error {
	if got := st.Info().Organization; got != org {
		return errOtherOrganization
	}
	return nil
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/internal/durable"
	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/keyring/agent"
	"github.com/underseal/underseal/keyring/keystore"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan/escrow"
	"github.com/underseal/underseal/workspace"
)

// home is the directory of all state.
func (a *app) home() (string, error) {
	home := a.getenv("UNDERSEAL_HOME")
	if home == "" {
		c, err := os.UserConfigDir()
		if err != nil {
			return "", fmt.Errorf("%w: %w", errNoHome, err)
		}
		home = filepath.Join(c, "underseal")
	}
	home, err := filepath.Abs(home)
	if err != nil {
		return "", fmt.Errorf("%w: %w", errNoHome, err)
	}
	if info, err := os.Stat(home); errors.Is(err, syscall.ENOTDIR) || err == nil && !info.IsDir() {
		return "", fmt.Errorf("%s: %w", home, errHomeFile)
	}
	return home, nil
}

// homeDir is the home folder as the workspace's Local.
type homeDir string

// maxHomeFile bounds a file of the home folder: the cache of a log of a
// million operations stays below.
const maxHomeFile = 1 << 30

// make makes the folder.
func (h homeDir) make() error {
	if err := durable.MkdirAll(string(h), durable.Private); err != nil {
		return fmt.Errorf("make the home folder %s: %w", string(h), err)
	}
	return nil
}

// Load implements workspace.Local.
func (h homeDir) Load(name string) ([]byte, error) {
	return durable.ReadFile(filepath.Join(string(h), name), maxHomeFile)
}

// Save implements workspace.Local.
func (h homeDir) Save(name string, data []byte) error {
	if err := h.make(); err != nil {
		return err
	}
	return durable.WriteFile(filepath.Join(string(h), name), data, durable.Private)
}

// lockPause is how long a program waits before it looks again whether another has
// given a file back, which takes it no longer than to write it.
const lockPause = 5 * time.Millisecond

// Lock implements workspace.Local, by a file beside the one that is locked.
func (h homeDir) Lock(ctx context.Context, name string) (unlock func(), err error) {
	look := time.NewTicker(lockPause)
	defer look.Stop()
	for {
		f, err := lockSlot(filepath.Join(string(h), name+".lock"))
		switch {
		case err == nil:
			return func() { freeSlot(f) }, nil
		case !errors.Is(err, errSlotTaken):
			return func() {}, nil // where files cannot be locked, commands are run one by one
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-look.C:
		}
	}
}

const (
	identityFile = "identity.cbor"
	configFile   = "config.json"
)

const configVersion = 1

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
		return nil, c, fmt.Errorf("%s: %w", filepath.Join(home, identityFile), err)
	}
	c, err = loadConfig(homeDir(home))
	return id, c, err
}

func loadConfig(home homeDir) (config, error) {
	var c config
	bad := func(err error) (config, error) {
		return config{}, fmt.Errorf("%s: %w", filepath.Join(string(home), configFile), err)
	}
	b, err := home.Load(configFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return bad(errConfig)
	case err != nil:
		return config{}, err
	case json.Unmarshal(b, &c) != nil:
		return bad(errConfig)
	case c.Version > configVersion:
		return bad(errConfigNewer)
	case c.Version != configVersion || c.Account == "":
		return bad(errConfig)
	}
	return c, nil
}

// passphrase asks for the key file's passphrase on a terminal.
func (a *app) passphrase(ctx context.Context, why keystore.Purpose) (*secret.Bytes, error) {
	p, err := a.prompt()
	if err != nil {
		return nil, keystore.ErrNoPassphrase
	}
	return keystore.Prompt(p)(ctx, why)
}

// chooseStore picks the key store: what the home folder says, else the flag,
// else what suggests itself.
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
	if a.held != nil {
		return a.held.Clone(), nil
	}
	s, err := a.agentSecret(ctx)
	if err == nil {
		return s, nil
	}
	if errors.Is(err, agent.ErrForeign) { // somebody else answers for the agent
		a.warn("%v", err)
	}
	ks, err := a.chooseStore(ctx, c.KeyStore)
	if err != nil {
		return nil, err
	}
	return a.loadSecret(ctx, ks, c.Account)
}

func (a *app) loadSecret(ctx context.Context, ks keystore.Store, account string) (*secret.Bytes, error) {
	s, err := ks.Load(ctx, account)
	return s, a.passphraseFileError(err)
}

// passphraseFileError tells a passphrase file that cannot be read from
// everything else that may be missing.
func (a *app) passphraseFileError(err error) error {
	var at *fs.PathError
	if name := a.getenv("UNDERSEAL_PASSPHRASE_FILE"); name != "" && errors.As(err, &at) && at.Path == name {
		return fmt.Errorf("%s: %w: %w", name, errPassphraseFile, at.Err)
	}
	return err
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
		return nil, nil, err // before there is anything else to complain of
	}
	pin, err := workspace.ReadPin(homeDir(home))
	if err != nil {
		return nil, nil, err
	}
	return a.openAt(ctx, pin.Location, pin.Organization)
}

// openAt opens the pinned organization in the store at address.
func (a *app) openAt(ctx context.Context, address string, org officer.OrganizationID) (w *workspace.Workspace, done func(), err error) {
	home, err := a.home()
	if err != nil {
		return nil, nil, err
	}
	st, err := a.openStore(address, org)
	if err != nil {
		return nil, nil, err
	}
	me, err := a.unlock(ctx)
	if err != nil {
		_ = st.Close() // nothing was written
		return nil, nil, err
	}
	a.me = me
	done = func() {
		a.me = nil
		if w != nil {
			_ = w.Announce(ctx) // the next command makes up for it
			w.Close()
		}
		me.Lock()
		_ = st.Close() // every write was flushed when it was made
	}
	conf := workspace.Config{Store: st, Local: homeDir(home), Identity: me, Now: a.now, Escrow: escrow.Shamir{}}
	w, err = workspace.Open(ctx, conf)
	if err != nil {
		a.keepEvidence(ctx, home, conf, err)
		done()
		return nil, nil, err
	}
	if m := w.Me(); m != nil && m.KeyClosed {
		// An officer removed another device of this member: nobody can seal
		// anything to them until one that is left makes the next key.
		enrolled := m.Enrolment() != nil
		if err := w.RenewUserKey(ctx); err != nil {
			a.warn("an officer closed your user key, and it could not be replaced: %s", classify(err).message)
		} else if now := w.Me(); enrolled && now != nil && now.Enrolment() == nil {
			a.warn("an officer closed your user key, and it was replaced: recovery %s", enrollAgain)
		}
	}
	// A change of this device that failed may have handed a key to somebody; what
	// cannot be done now, status says, and the next command tries again.
	if m := w.Me(); m != nil {
		if err := w.TakeBack(ctx); err != nil {
			a.warn("a key that was handed out in vain could not be replaced: %s", classify(err).message)
		}
	}
	return w, done, nil
}

// with runs f with the open organization.
func (a *app) with(ctx context.Context, f func(*workspace.Workspace) error) error {
	w, done, err := a.open(ctx)
	if err != nil {
		return err
	}
	defer done()
	a.warnOfStore(w)
	a.warnOfSightings(ctx, w)
	return hintInvited(ctx, w, f(w))
}

// withWorkspace is the body of a command that has nothing to check before.
func (a *app) withWorkspace(f func(context.Context, *workspace.Workspace, []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		return a.with(cmd.Context(), func(w *workspace.Workspace) error { return f(cmd.Context(), w, args) })
	}
}

// withStanding is withWorkspace for what shows the organization's names: a device
// that was removed reads none, and is told so instead.
func (a *app) withStanding(f func(context.Context, *workspace.Workspace, []string) error) func(*cobra.Command, []string) error {
	return a.withWorkspace(func(ctx context.Context, w *workspace.Workspace, args []string) error {
		if err := standing(w); errors.Is(err, workspace.ErrRemoved) {
			return err
		}
		return f(ctx, w, args)
	})
}

// standing says why a device is not that of a member.
func standing(w *workspace.Workspace) error {
	switch {
	case w.Me() != nil:
		return nil
	case w.State().Device(w.DeviceID()) != nil:
		return workspace.ErrRemoved
	default:
		return workspace.ErrNotMember
	}
}

func (a *app) warnOfStore(w *workspace.Workspace) {
	for _, warning := range w.Store().Info().Warnings {
		a.warn("%s", warning)
	}
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/internal/durable"
	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/term"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/store"
	"github.com/underseal/underseal/store/dirstore"
	"github.com/underseal/underseal/workspace"
)

type joinFlags struct {
	from, store, device, words string
	wait                       time.Duration
	inSetup                    bool
}

type jsonJoining struct {
	State       string   `json:"state"`
	Fingerprint string   `json:"fingerprint"`
	Member      string   `json:"member"`
	Words       []string `json:"words"`
}

func newDeviceJoinCommand(a *app) *cobra.Command {
	var f joinFlags
	c := &cobra.Command{
		Use: "join", Short: "Become another device of yours, by a code that one shows", Args: secretFromFile,
		Long: `Become another device of yours. One that you have shows a code: underseal device
pair. This one asks for it, makes keys of its own, and shows six words: compare
them with those on the other one.

--from is a file that underseal device pair --code-out wrote, or - for standard
input. A code is never an argument: others could see it.

` + pairingHelp + `

` + keyStoreHelp,
		Example: `underseal device join --store dir:/srv/firm
underseal device join --from stick/code --wait 0s`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.wait < 0 {
				return &usageError{errors.New("--wait is a time such as 5m, or 0s"), cmd}
			}
			return a.join(cmd.Context(), f)
		},
	}
	c.Flags().StringVar(&f.from, "from", "", "`FILE` with the code, or - for standard input")
	c.Flags().StringVar(&f.store, "store", "", "`ADDRESS` where the organization rests, if it is not beside the code")
	c.Flags().StringVar(&f.device, "device", "", "`LABEL` of this device (default: its host name)")
	c.Flags().StringVar(&f.words, "words", "", "the six `WORDS` that the other device shows")
	c.Flags().DurationVar(&f.wait, "wait", workspace.PairingTime, "how long to wait for the other device")
	must(c.RegisterFlagCompletionFunc("from", files))
	a.addKeyStore(c)
	return c
}

// pairingStoreFile holds the address of the store while this device is paired.
const pairingStoreFile = "pairing.store"

// joiner is a new device that is being paired.
type joiner struct {
	*workspace.Joining
	home   homeDir
	store  store.Store
	secret *secret.Bytes // run destroys it
}

func (a *app) join(ctx context.Context, f joinFlags) error {
	dir, err := a.home()
	if err != nil {
		return err
	}
	home := homeDir(dir)
	id, _, err := a.loadIdentity()
	switch {
	case errors.Is(err, errNoIdentity):
		id = nil
	case err != nil:
		return err
	case !workspace.PairingJoined(home): // else an attempt was interrupted at its end
		return errIdentityExists
	}
	j, err := a.joining(ctx, home, f, id != nil)
	if err != nil {
		return err
	}
	defer func() {
		j.Close()
		_ = j.store.Close() // every write was flushed when it was made
	}()
	state := jsonJoining{State: pairWaiting, Fingerprint: officer.FormatFingerprint(j.Organization()), Member: j.Member().String(), Words: []string{}}
	words, ok, err := a.joinWords(ctx, j, f.wait)
	if err != nil {
		return err
	}
	if !ok {
		a.say("the other device has not looked yet")
		a.next("there: underseal device pair; here: underseal device join, which goes on")
		return a.joinState(f, state)
	}
	state.Words = inWords(words)
	if !j.Confirmed() {
		words, compared, err := a.compareWords(ctx, words, f.words, "organization  "+state.Fingerprint, "The other device shows six words.")
		switch {
		case errors.Is(err, workspace.ErrPairingWords):
			return errors.Join(err, j.End())
		case err != nil:
			return err
		case !compared:
			state.State = pairCompare
			return a.joinState(f, state)
		}
		if err := j.Confirm(ctx, words); err != nil {
			return err
		}
	}
	if id == nil {
		if id, err = a.pairedIdentity(ctx, j, f.wait); err != nil {
			return err
		}
	}
	if id == nil {
		state.State = pairConfirmed
		a.say("the other device has not added this one yet")
		a.next("there: underseal device pair; here: underseal device join, which goes on")
		return a.joinState(f, state)
	}
	if err := a.finishJoining(ctx, j, id); err != nil {
		return err
	}
	state.State = pairDone
	return a.joinState(f, state)
}

func (a *app) joinState(f joinFlags, s jsonJoining) error {
	if a.json && !f.inSetup { // which prints the status
		a.printJSON(s, nil)
	}
	return nil
}

// joining goes on with a pairing, or begins one.
func (a *app) joining(ctx context.Context, home homeDir, f joinFlags, must bool) (*joiner, error) {
	var code workspace.PairingCode
	address, given := "", f.from != ""
	if given {
		var err error
		if code, address, err = a.readPairingLine(f.from); err != nil {
			return nil, err
		}
		defer code.Destroy()
	}
	if f.store != "" {
		address = f.store
	}
	if workspace.PairingJoined(home) {
		j, err := a.resumeJoining(ctx, home, address)
		switch {
		case must, err == nil && (!given || j.Uses(code)):
			return j, err
		case err == nil: // another code than last time
			j.Close()
			_ = j.store.Close() // nothing was written
		case !given:
			return nil, err
		}
	}
	if !given {
		var err error
		if code, address, err = a.askPairingCode(ctx, address); err != nil {
			return nil, err
		}
		defer code.Destroy()
	}
	if err := a.ask(ctx, &address, "store", "The folder where your organization rests, such as /srv/firm:", notEmpty); err != nil {
		return nil, err
	}
	return a.beginJoining(ctx, home, code, address, f.device)
}

func (a *app) askPairingCode(ctx context.Context, known string) (code workspace.PairingCode, address string, err error) {
	p, err := a.prompt()
	if err != nil {
		return code, "", withHint(err, "give --from FILE, or --from - for standard input")
	}
	a.say("On the device that you have, type: underseal device pair")
	for {
		line, err := p.Line(ctx, "The code that it shows:")
		if err != nil {
			return code, "", err
		}
		if code, address, err = parsePairingLine(line); err == nil {
			if known != "" {
				address = known
			}
			return code, address, nil
		}
		a.say("%s", classify(err).message)
	}
}

func openUnknownStore(address string) (store.Store, error) {
	address, err := storeAddress(address)
	if err != nil {
		return nil, err
	}
	path, err := storePath(address)
	if err != nil {
		return nil, err
	}
	return dirstore.Open(path) // whose it is, the code says
}

func (a *app) resumeJoining(ctx context.Context, home homeDir, address string) (*joiner, error) {
	conf, err := loadConfig(home)
	if err != nil {
		return nil, err
	}
	if address == "" {
		b, err := home.Load(pairingStoreFile)
		if err != nil {
			return nil, err
		}
		address = string(b)
	}
	j := &joiner{home: home}
	if j.store, err = openUnknownStore(address); err != nil {
		return nil, err
	}
	j.secret, err = a.deviceSecret(ctx, conf)
	if err == nil {
		j.Joining, err = workspace.ResumePairing(ctx, workspace.Config{Store: j.store, Local: home, Now: a.now}, j.secret)
	}
	if err != nil {
		j.secret.Destroy()
		_ = j.store.Close() // nothing was written
		return nil, err
	}
	a.hold(j.secret)
	return j, nil
}

// hold keeps a secret until the command ends, so that nothing is asked for
// twice.
func (a *app) hold(s *secret.Bytes) {
	if a.held != s {
		a.held.Destroy()
	}
	a.held = s
}

// beginJoining answers the code. The secret of this device is kept before
// anybody knows of it.
func (a *app) beginJoining(ctx context.Context, home homeDir, code workspace.PairingCode, address, label string) (*joiner, error) {
	st, err := openUnknownStore(address)
	if err != nil {
		return nil, err
	}
	j := &joiner{home: home, store: st}
	if j.Joining, err = workspace.JoinPairing(ctx, workspace.Config{Store: st, Local: home, Now: a.now}, code); err == nil {
		if err = a.answerPairing(ctx, j, label); err != nil {
			j.Close()
		}
	}
	if err != nil {
		_ = st.Close() // what was written is flushed
		return nil, err
	}
	return j, nil
}

func (a *app) answerPairing(ctx context.Context, j *joiner, label string) error {
	label = deviceLabel(label)
	if err := a.setupKeyStore(ctx); err != nil {
		return err
	}
	ks, err := a.chooseStore(ctx, "")
	if err != nil {
		return err
	}
	s, device, err := j.NewDevice(label)
	if err != nil {
		return withHint(&usageError{err: err}, "--device is one line of visible characters")
	}
	a.hold(s)
	j.secret = s
	c, err := json.Marshal(config{Version: configVersion, KeyStore: ks.Name(), Account: device.String()})
	if err != nil {
		return err
	}
	if err := errors.Join(j.home.make(), j.home.Save(pairingStoreFile, []byte(j.store.Info().Location))); err != nil {
		return err
	}
	if err := a.passphraseFileError(ks.Save(ctx, device.String(), s)); err != nil {
		return err
	}
	if err := j.home.Save(configFile, c); err != nil {
		return err
	}
	a.say("this device is %s; its secret is in %s", term.Escape(label), keyStoreName(ks.Name()))
	return j.Answer(ctx)
}

func (a *app) joinWords(ctx context.Context, j *joiner, wait time.Duration) (words workspace.PairingWords, ok bool, err error) {
	err = a.poll(ctx, wait, func() (bool, error) {
		var err error
		words, ok, err = j.Words(ctx)
		return ok, err
	})
	return words, ok, err
}

// pairedIdentity is this device's identity, once the other one has added it,
// kept in its home.
func (a *app) pairedIdentity(ctx context.Context, j *joiner, wait time.Duration) (id *keyring.Identity, err error) {
	err = a.poll(ctx, wait, func() (bool, error) {
		var err error
		id, err = j.Identity(ctx)
		return id != nil, err
	})
	if err != nil || id == nil {
		return nil, err
	}
	err = durable.CreateFile(filepath.Join(string(j.home), identityFile), id.Encode(), durable.Private)
	if errors.Is(err, fs.ErrExist) {
		return nil, errIdentityExists
	}
	return id, err
}

func (a *app) finishJoining(ctx context.Context, j *joiner, id *keyring.Identity) error {
	me, err := id.Unlock(j.secret)
	if err != nil {
		return err
	}
	defer me.Lock()
	w, err := j.Finish(ctx, workspace.Config{Store: j.store, Local: j.home, Identity: me, Now: a.now})
	if err != nil {
		return err
	}
	defer w.Close()
	if err := j.home.Save(pairingStoreFile, nil); err != nil {
		return err
	}
	a.warnOfStore(w)
	if !a.json {
		a.showIdentity(id)
	}
	a.sayUnlock(ctx)
	a.next("underseal status")
	return nil
}

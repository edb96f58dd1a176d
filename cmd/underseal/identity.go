package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/internal/durable"
	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/term"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/keyring/keystore"
	"github.com/underseal/underseal/officer"
)

func newIdentityCommand(a *app) *cobra.Command {
	return noun("identity", "Your own keys and card", "Your own keys, and the card by which an officer lets you in.",
		newIdentityNewCommand(a), newIdentityShowCommand(a), newIdentityCardCommand(a))
}

// addKeyStore adds the flag that says where a new secret goes. Later commands
// know it.
func (a *app) addKeyStore(c *cobra.Command) {
	c.Flags().StringVar(&a.keyStore, "key-store", "", "`PLACE` where the device's secret rests: os or file")
	choices(c, "key-store", keystore.KindOS, keystore.KindFile)
}

const keyStoreHelp = `The device's secret rests in the operating system's keyring where one answers
(--key-store os), or in a file under a passphrase (--key-store file), which is
also taken where UNDERSEAL_PASSPHRASE_FILE names a file with the passphrase.`

func newIdentityNewCommand(a *app) *cobra.Command {
	var name, email, device string
	c := &cobra.Command{
		Use: "new --name NAME --email EMAIL", Short: "Make an identity on this device", Args: noArgs,
		Long: `Make an identity on this device: your keys, and a card with their public half.
It is never made twice.

` + keyStoreHelp,
		Example: `underseal identity new --name "Alice Officer" --email alice@example.com`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			id, s, err := a.newIdentity(cmd.Context(), name, email, device)
			if err != nil {
				return err
			}
			s.Destroy()
			a.showIdentity(id)
			a.next(`underseal org new "YOUR FIRM" --store dir:FOLDER, or underseal org join`)
			return nil
		},
	}
	c.Flags().StringVar(&name, "name", "", "your `NAME`, as colleagues know it")
	c.Flags().StringVar(&email, "email", "", "your `EMAIL`")
	c.Flags().StringVar(&device, "device", "", "`LABEL` of this device (default: its host name)")
	a.addKeyStore(c)
	required(c, "name", "email")
	return c
}

// newIdentity makes an identity, keeps its secret and returns both. The secret
// is stored before the identity file is: an identity whose secret is lost
// cannot arise.
func (a *app) newIdentity(ctx context.Context, name, email, device string) (*keyring.Identity, *secret.Bytes, error) {
	home, err := a.home()
	if err != nil {
		return nil, nil, err
	}
	if _, err := os.Lstat(filepath.Join(home, identityFile)); err == nil {
		return nil, nil, errIdentityExists
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	name, email = strings.TrimSpace(name), strings.TrimSpace(email)
	if err := checkEmail(email); err != nil {
		return nil, nil, &usageError{err: err}
	}
	ks, err := a.chooseStore(ctx, "")
	if err != nil {
		return nil, nil, err
	}
	id, s, err := keyring.NewIdentity(name, email, deviceLabel(device))
	if err != nil {
		return nil, nil, err
	}
	if err := a.saveIdentity(ctx, homeDir(home), ks, id, s); err != nil {
		s.Destroy()
		return nil, nil, err
	}
	return id, s, nil
}

// deviceLabel is the label that was given to this device, or its host name.
func deviceLabel(given string) string {
	if given = strings.TrimSpace(given); given != "" {
		return given
	}
	if host, err := os.Hostname(); err == nil && host != "" {
		return host
	}
	return "this device"
}

// askIdentity asks for what no flag says of somebody, on lines with a margin, and
// makes an identity of it. Its secret is held, so that the passphrase is not asked
// for again at once.
func (a *app) askIdentity(ctx context.Context, margin, name, email, device string) error {
	if err := a.ask(ctx, &name, "name", margin+"Your name:", notEmpty); err != nil {
		return err
	}
	if err := a.ask(ctx, &email, "email", margin+"Your email:", checkEmail); err != nil {
		return err
	}
	if err := a.setupKeyStore(ctx); err != nil {
		return err
	}
	_, s, err := a.newIdentity(ctx, name, email, device)
	if err != nil {
		return err
	}
	a.held = s // run destroys it
	return nil
}

func checkEmail(email string) error {
	if at := strings.IndexByte(email, '@'); at < 1 || at == len(email)-1 || strings.ContainsAny(email, " \t") {
		return errors.New("an email looks like name@example.com")
	}
	return nil
}

func (a *app) saveIdentity(ctx context.Context, home homeDir, ks keystore.Store, id *keyring.Identity, s *secret.Bytes) error {
	account := id.Device().String()
	c, err := json.Marshal(config{Version: configVersion, KeyStore: ks.Name(), Account: account})
	if err != nil {
		return err
	}
	if err := home.make(); err != nil {
		return err
	}
	err = a.passphraseFileError(ks.Save(ctx, account, s))
	if errors.Is(err, keystore.ErrNoPassphrase) {
		return withHint(err, "the passphrase is made up now, and needed each time the device is unlocked")
	} else if err != nil {
		return err
	}
	err = home.Save(configFile, c)
	if err == nil {
		err = durable.CreateFile(filepath.Join(string(home), identityFile), id.Encode(), durable.Private)
	}
	if err != nil {
		return errors.Join(err, ks.Delete(ctx, account))
	}
	return nil
}

type jsonIdentity struct {
	Name         string `json:"name"`
	Email        string `json:"email"`
	Member       string `json:"member"`
	Device       string `json:"device"`
	DeviceLabel  string `json:"device_label"`
	SafetyNumber string `json:"safety_number"`
}

func jsonIdentityOf(id *keyring.Identity) jsonIdentity {
	card := id.Card()
	return jsonIdentity{
		Name: card.Name.Text, Email: card.Email.Text, Member: id.Member().String(), Device: id.Device().String(),
		DeviceLabel: id.DeviceLabel().Text, SafetyNumber: officer.SafetyNumber(id.Member()),
	}
}

func (a *app) showIdentity(id *keyring.Identity) {
	j := jsonIdentityOf(id)
	if a.json {
		a.printJSON(j, nil)
		return
	}
	a.print("name           %s", term.Escape(j.Name))
	a.print("email          %s", term.Escape(j.Email))
	a.print("device         %s", term.Escape(j.DeviceLabel))
	a.print("safety number  %s", strings.Join(safetyLines(id.Member()), "\n               "))
}

// safetyLines is the safety number in two lines of six groups.
func safetyLines(id officer.MemberID) []string {
	g := strings.Fields(officer.SafetyNumber(id))
	return []string{strings.Join(g[:6], " "), strings.Join(g[6:], " ")}
}

func newIdentityShowCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "show", Short: "Show your name, email and safety number", Args: noArgs,
		Long: `Show your name, email and safety number. Whoever adds your card compares the
number with you, by voice or in person.`,
		RunE: func(*cobra.Command, []string) error {
			id, _, err := a.loadIdentity()
			if err != nil {
				return err
			}
			a.showIdentity(id)
			return nil
		},
	}
}

type jsonOut struct {
	Out string `json:"out"`
}

func newIdentityCardCommand(a *app) *cobra.Command {
	var out string
	var force bool
	c := &cobra.Command{
		Use: "card --out FILE", Short: "Write your card, to be given to an officer", Args: noArgs,
		Long: `Write your card, to be given to an officer. It holds your name, your email and
public keys, and no secret. The officer compares its safety number with you.`,
		Example: "underseal identity card --out bob.card",
		RunE: func(*cobra.Command, []string) error {
			id, _, err := a.loadIdentity()
			if err != nil {
				return err
			}
			if err := a.writeOutput(out, force, id.Card().Encode()); err != nil {
				return err
			}
			if a.json {
				a.printJSON(jsonOut{out}, nil)
			}
			if out == "-" {
				return nil
			}
			a.say("wrote %s", term.Escape(out))
			a.next("give it to your officer, who types: underseal member add %s --role member", arg(filepath.Base(out)))
			a.say("      and asks you for your safety number: underseal identity show")
			return nil
		},
	}
	c.Flags().StringVar(&out, "out", "", "`FILE` to write, or - for standard output")
	c.Flags().BoolVar(&force, "force", false, "replace the file if it exists")
	required(c, "out")
	must(c.RegisterFlagCompletionFunc("out", files))
	return c
}

// writeOutput writes a small output in whole or not at all.
func (a *app) writeOutput(out string, force bool, data []byte) error {
	if out == "-" {
		_, err := a.stdout.Write(data)
		return err
	}
	write := durable.CreateFile
	if force {
		write = durable.WriteFile
	}
	return outputError(out, write(out, data, durable.Shared))
}

// outputError says of an output whose folder is missing, or is a file, that it
// is the folder.
func outputError(out string, err error) error {
	if err == nil {
		return nil
	}
	folder := filepath.Dir(out)
	if info, statErr := os.Stat(folder); errors.Is(statErr, fs.ErrNotExist) || statErr == nil && !info.IsDir() {
		return fmt.Errorf("%s: %w", term.Escape(folder), errNoFolder)
	}
	return err
}

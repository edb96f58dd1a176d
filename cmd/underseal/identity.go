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
	"github.com/underseal/underseal/internal/term"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/officer"
)

func newIdentityCommand(a *app) *cobra.Command {
	return noun("identity", "Your own keys and card",
		newIdentityNewCommand(a), newIdentityShowCommand(a), newIdentityCardCommand(a))
}

func newIdentityNewCommand(a *app) *cobra.Command {
	var name, email, device string
	c := &cobra.Command{
		Use: "new", Short: "Make an identity on this device", Args: cobra.NoArgs,
		Long: `Make an identity on this device: your keys, and a card with their public half.

The device's secret goes into the key store: the operating system's keyring
where one answers (--key-store os), or a file under a passphrase where
UNDERSEAL_PASSPHRASE_FILE is set (--key-store file). It is never made twice.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			id, err := a.newIdentity(cmd.Context(), name, email, device)
			if err != nil {
				return err
			}
			a.showIdentity(id)
			a.next(`underseal org new "YOUR FIRM" --store dir:/path, or underseal org join`)
			return nil
		},
	}
	c.Flags().StringVar(&name, "name", "", "your name, as colleagues know it")
	c.Flags().StringVar(&email, "email", "", "your email")
	c.Flags().StringVar(&device, "device", "", "what to call this device (default: its host name)")
	required(c, "name", "email")
	return c
}

// newIdentity makes an identity and keeps its secret. The secret is stored
// before the identity file is: an identity whose secret is lost cannot arise.
func (a *app) newIdentity(ctx context.Context, name, email, device string) (*keyring.Identity, error) {
	home, err := a.home()
	if err != nil {
		return nil, err
	}
	if _, err := os.Lstat(filepath.Join(home, identityFile)); err == nil {
		return nil, errIdentityExists
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	name, email, device = strings.TrimSpace(name), strings.TrimSpace(email), strings.TrimSpace(device)
	if !strings.Contains(email, "@") {
		return nil, &usageError{errors.New("an email has an @ in it")}
	}
	if device == "" {
		if device, err = os.Hostname(); err != nil || device == "" {
			device = "this device"
		}
	}
	ks, err := a.chooseStore(ctx, "")
	if err != nil {
		return nil, err
	}
	id, s, err := keyring.NewIdentity(name, email, device)
	if err != nil {
		return nil, err
	}
	defer s.Destroy()
	account := id.Device().String()
	c, err := json.Marshal(config{Version: 1, KeyStore: ks.Name(), Account: account})
	if err != nil {
		return nil, err
	}
	if err := durable.MkdirAll(home, durable.Private); err != nil {
		return nil, err
	}
	if err := ks.Save(ctx, account, s); err != nil {
		return nil, fmt.Errorf("keep the device secret: %w", err)
	}
	undo := func(err error) error { return errors.Join(err, ks.Delete(ctx, account)) }
	if err := (homeDir(home)).Save(configFile, c); err != nil {
		return nil, undo(err)
	}
	if err := durable.CreateFile(filepath.Join(home, identityFile), id.Encode(), durable.Private); err != nil {
		return nil, undo(err)
	}
	return id, nil
}

type jsonIdentity struct {
	Name         string `json:"name"`
	Email        string `json:"email"`
	Member       string `json:"member"`
	Device       string `json:"device"`
	DeviceLabel  string `json:"device_label"`
	SafetyNumber string `json:"safety_number"`
}

func (a *app) showIdentity(id *keyring.Identity) {
	card := id.Card()
	if a.json {
		a.printJSON(jsonIdentity{
			Name: card.Name.Text, Email: card.Email.Text, Member: id.Member().String(), Device: id.Device().String(),
			DeviceLabel: id.DeviceLabel().Text, SafetyNumber: officer.SafetyNumber(id.Member()),
		})
		return
	}
	a.print("name           %s", term.Escape(card.Name.Text))
	a.print("email          %s", term.Escape(card.Email.Text))
	a.print("device         %s", term.Escape(id.DeviceLabel().Text))
	a.print("safety number  %s", strings.Join(safetyLines(id.Member()), "\n               "))
}

// safetyLines is the safety number in two lines of six groups.
func safetyLines(id officer.MemberID) []string {
	g := strings.Fields(officer.SafetyNumber(id))
	return []string{strings.Join(g[:6], " "), strings.Join(g[6:], " ")}
}

func newIdentityShowCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "show", Short: "Show your name, email and safety number", Args: cobra.NoArgs,
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

func newIdentityCardCommand(a *app) *cobra.Command {
	var out string
	var force bool
	c := &cobra.Command{
		Use: "card", Short: "Write your card, to be given to an officer", Args: cobra.NoArgs,
		Long: `Write your card, to be given to an officer. It holds your name, your email and
public keys, and no secret. The officer compares its safety number with you.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			id, _, err := a.loadIdentity()
			if err != nil {
				return err
			}
			if err := a.writeOutput(out, force, id.Card().Encode()); err != nil {
				return err
			}
			if out != "-" {
				a.say("wrote %s", term.Escape(out))
				if a.json {
					a.printJSON(struct {
						Out string `json:"out"`
					}{out})
				}
			}
			a.next("give it to your officer, who types: underseal member add %s --role member", term.Escape(filepath.Base(out)))
			return nil
		},
	}
	c.Flags().StringVar(&out, "out", "", "file to write, or - for standard output")
	c.Flags().BoolVar(&force, "force", false, "replace the file if it exists")
	required(c, "out")
	return c
}

// writeOutput writes a small output in whole or not at all.
func (a *app) writeOutput(out string, force bool, data []byte) error {
	if out == "-" {
		_, err := a.stdout.Write(data)
		return err
	}
	if !force {
		return durable.CreateFile(out, data, durable.Shared)
	}
	return durable.WriteFile(out, data, durable.Shared)
}

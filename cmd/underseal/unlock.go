package main

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/keyring/agent"
)

func (a *app) socket() (string, error) {
	home, err := a.home()
	if err != nil {
		return "", err
	}
	return agent.SocketPath(home, a.getenv("XDG_RUNTIME_DIR"))
}

// agentSecret asks the agent, if one holds this home's secret.
func (a *app) agentSecret(ctx context.Context) (*secret.Bytes, error) {
	path, err := a.socket()
	if err != nil {
		return nil, err
	}
	c, err := agent.Dial(ctx, path)
	if err != nil {
		return nil, err
	}
	return c.Secret(ctx)
}

// unlockedFor tells how long the agent will hold the secret, 0 for not at all.
func (a *app) unlockedFor(ctx context.Context) time.Duration {
	path, err := a.socket()
	if err != nil {
		return 0
	}
	c, err := agent.Dial(ctx, path)
	if err != nil {
		return 0
	}
	d, err := c.Status(ctx)
	if err != nil {
		return 0
	}
	return d
}

func newUnlockCommand(a *app) *cobra.Command {
	var lifetime time.Duration
	c := &cobra.Command{
		Use: "unlock", Short: "Hold the device secret between commands", Args: cobra.NoArgs,
		Long: `Hold the device secret between commands, in the memory of a process of its own,
so that the passphrase is asked for once. It is never written to disk; after the
time is over, or with underseal lock, it is overwritten.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			id, conf, err := a.loadIdentity()
			if err != nil {
				return err
			}
			ks, err := a.chooseStore(ctx, conf.KeyStore)
			if err != nil {
				return err
			}
			s, err := ks.Load(ctx, conf.Account)
			if err != nil {
				return err
			}
			defer s.Destroy()
			u, err := id.Unlock(s) // a secret that does not fit is not held
			if err != nil {
				return err
			}
			u.Lock()
			path, err := a.socket()
			if err != nil {
				return err
			}
			exe, err := os.Executable()
			if err != nil {
				return err
			}
			err = agent.Unlock(ctx, path, lifetime, agent.Command{Path: exe, Args: []string{"agent", "--socket", path, "--for", lifetime.String()}}, s)
			if errors.Is(err, agent.ErrLifetime) {
				return &usageError{err}
			} else if err != nil {
				return err
			}
			a.say("unlocked for %s", lifetime)
			if a.json {
				a.printJSON(struct {
					Seconds int `json:"unlocked_seconds"`
				}{int(lifetime.Seconds())})
			}
			return nil
		},
	}
	c.Flags().DurationVar(&lifetime, "for", agent.DefaultLifetime, "how long, from 1s to 24h")
	return c
}

func newLockCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "lock", Short: "Forget the device secret now", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			path, err := a.socket()
			if err != nil {
				return err
			}
			c, err := agent.Dial(cmd.Context(), path)
			if err == nil {
				err = c.Lock(cmd.Context())
			}
			if err != nil && !errors.Is(err, agent.ErrNotRunning) {
				return err
			}
			a.say("locked")
			if a.json {
				a.printJSON(struct {
					Locked bool `json:"locked"`
				}{true})
			}
			return nil
		},
	}
}

// newAgentCommand is the process that unlock starts.
func newAgentCommand(a *app) *cobra.Command {
	var socket string
	var lifetime time.Duration
	c := &cobra.Command{
		Use: "agent", Short: "Hold a secret that comes on standard input", Args: cobra.NoArgs, Hidden: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return agent.Run(cmd.Context(), agent.Config{Socket: socket, Lifetime: lifetime}, os.Stdin, os.Stdout)
		},
	}
	c.Flags().StringVar(&socket, "socket", "", "where to listen")
	c.Flags().DurationVar(&lifetime, "for", agent.DefaultLifetime, "how long")
	required(c, "socket")
	return c
}

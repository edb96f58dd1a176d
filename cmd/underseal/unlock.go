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

// dialAgent reaches the agent of this home.
func (a *app) dialAgent(ctx context.Context) (*agent.Client, error) {
	path, err := a.socket()
	if err != nil {
		return nil, err
	}
	return agent.Dial(ctx, path)
}

// agentSecret asks the agent, if one holds this home's secret.
func (a *app) agentSecret(ctx context.Context) (*secret.Bytes, error) {
	c, err := a.dialAgent(ctx)
	if err != nil {
		return nil, err
	}
	return c.Secret(ctx)
}

// unlockedFor tells how long the agent will hold the secret, 0 for not at all.
func (a *app) unlockedFor(ctx context.Context) time.Duration {
	c, err := a.dialAgent(ctx)
	if err != nil {
		return 0
	}
	d, err := c.Status(ctx)
	if err != nil {
		return 0
	}
	return d
}

type jsonUnlocked struct {
	Seconds int `json:"unlocked_seconds"`
}

func newUnlockCommand(a *app) *cobra.Command {
	var lifetime time.Duration
	c := &cobra.Command{
		Use: "unlock", Short: "Ask for the passphrase once, not for each command", Args: noArgs,
		Long: `Ask for the passphrase once, not for each command: the device secret is held in
the memory of a process of its own and never written to disk. When the time is
over, or with underseal lock, it is overwritten.`,
		Example: "underseal unlock --for 1h",
		RunE: func(cmd *cobra.Command, _ []string) error {
			err := a.startAgent(cmd.Context(), lifetime)
			if errors.Is(err, agent.ErrLifetime) {
				return &usageError{err, cmd}
			} else if err != nil {
				return err
			}
			a.say("unlocked for %s; to lock at once: underseal lock", lasting(lifetime))
			if a.json {
				a.printJSON(jsonUnlocked{int(lifetime.Seconds())}, nil)
			}
			return nil
		},
	}
	c.Flags().DurationVar(&lifetime, "for", agent.DefaultLifetime, "how long, a `TIME` from 1s to 24h")
	return c
}

func (a *app) startAgent(ctx context.Context, lifetime time.Duration) error {
	if lifetime < agent.MinLifetime || lifetime > agent.MaxLifetime {
		return agent.ErrLifetime // before anybody types a passphrase
	}
	id, conf, err := a.loadIdentity()
	if err != nil {
		return err
	}
	path, err := a.socket()
	if err != nil {
		return err
	}
	ks, err := a.chooseStore(ctx, conf.KeyStore)
	if err != nil {
		return err
	}
	s, err := a.loadSecret(ctx, ks, conf.Account)
	if err != nil {
		return err
	}
	defer s.Destroy()
	u, err := id.Unlock(s) // a secret that does not fit is not held
	if err != nil {
		return err
	}
	u.Lock()
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	return agent.Unlock(ctx, path, lifetime, agent.Command{Path: exe, Args: []string{"agent", "--socket", path, "--for", lifetime.String()}}, s)
}

type jsonLocked struct {
	Locked bool `json:"locked"`
}

func newLockCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "lock", Short: "Forget the device secret now", Args: noArgs,
		Long: "Forget the device secret now, which underseal unlock holds. Locking twice is fine.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.dialAgent(cmd.Context())
			if err == nil {
				err = c.Lock(cmd.Context())
			}
			if err != nil && !errors.Is(err, agent.ErrNotRunning) {
				return err
			}
			a.say("locked")
			if a.json {
				a.printJSON(jsonLocked{true}, nil)
			}
			return nil
		},
	}
}

// newAgentCommand is the process that unlock starts.
func newAgentCommand() *cobra.Command {
	var socket string
	var lifetime time.Duration
	c := &cobra.Command{
		Use: "agent", Short: "Hold a secret that comes on standard input", Args: noArgs, Hidden: true,
		Long: "Hold a secret that comes on standard input. It is what underseal unlock starts.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return agent.Run(cmd.Context(), agent.Config{Socket: socket, Lifetime: lifetime}, os.Stdin, os.Stdout)
		},
	}
	c.Flags().StringVar(&socket, "socket", "", "`PATH` where to listen")
	c.Flags().DurationVar(&lifetime, "for", agent.DefaultLifetime, "how long, a `TIME`")
	required(c, "socket")
	return c
}

package main

import (
	"context"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/bulk"
	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/connector/clio"
	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/transport/nethttp"
	"github.com/underseal/underseal/workspace"
)

// account is an open connection to Clio beside the open organization.
type account struct {
	a       *app
	w       *workspace.Workspace
	home    homeDir
	conn    connection
	records *clio.Connector
	closing []func()
}

const (
	// shortPatience is how long a command that somebody waits for repeats a
	// request that gets no answer; a job goes on for the connector's own time.
	shortPatience = 20 * time.Second
	// exchangeTime bounds one request and its answer.
	exchangeTime = time.Minute
)

// withClio runs f with the connected account.
func (a *app) withClio(ctx context.Context, patience time.Duration, rate int, f func(*account) error) error {
	return a.with(ctx, func(w *workspace.Workspace) error {
		x, err := a.openClio(w, patience, rate)
		if err != nil {
			return err
		}
		defer x.close()
		return f(x)
	})
}

// clioCommand is the body of a command that has nothing to check before.
func (a *app) clioCommand(f func(context.Context, *account, []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		return a.withClio(cmd.Context(), shortPatience, 0, func(x *account) error { return f(cmd.Context(), x, args) })
	}
}

func (a *app) openClio(w *workspace.Workspace, patience time.Duration, rate int) (*account, error) {
	home, err := a.home()
	if err != nil {
		return nil, err
	}
	x := &account{a: a, w: w, home: homeDir(home)}
	if x.conn, err = loadConnection(x.home, a.me.Keys()); err != nil {
		return nil, err
	}
	app, err := x.conn.app()
	if err != nil {
		return nil, err
	}
	t := nethttp.New(nethttp.Options{Timeout: exchangeTime})
	tokens := x.conn.tokens()
	x.closing = append(x.closing, t.Close, app.Secret.Destroy, tokens.Access.Destroy, tokens.Refresh.Destroy)
	x.records, err = clio.New(clio.Config{
		App: app, Tokens: tokens, Keep: x.keep, Transport: t, Budget: rate, Patience: patience,
	})
	if err != nil {
		x.close()
		return nil, err
	}
	return x, nil
}

// keep writes new tokens where the old ones were, before they are used.
func (x *account) keep(_ context.Context, t clio.Tokens) error {
	c := x.conn
	c.take(t)
	if err := c.save(x.home, x.a.me.Keys()); err != nil {
		return err
	}
	x.conn = c
	return nil
}

func (x *account) close() {
	for _, f := range x.closing {
		f()
	}
}

// site is where the account's Clio is.
func (r registration) site() (clio.Site, error) {
	if r.BaseURL != "" {
		return clio.At(r.BaseURL)
	}
	return clio.Region(r.Region)
}

// app is the registration as the connector takes it; the caller destroys its
// secret.
func (r registration) app() (clio.App, error) {
	site, err := r.site()
	if err != nil {
		return clio.App{}, err
	}
	return clio.App{Site: site, ID: r.ClientID, Secret: secret.New([]byte(r.ClientSecret))}, nil
}

func (c *connection) tokens() clio.Tokens {
	return clio.Tokens{Access: secret.New([]byte(c.Access)), Refresh: secret.New([]byte(c.Refresh)), Expires: c.Expires}
}

func (c *connection) take(t clio.Tokens) {
	c.Access, c.Expires = string(t.Access.Expose()), t.Expires
	if t.Refresh.Len() > 0 {
		c.Refresh = string(t.Refresh.Expose())
	}
}

// definitions are the fields of the account that records have, and what the
// log says of them.
func (x *account) definitions(ctx context.Context) (defs []connector.Definition, place connector.Place, err error) {
	if place, err = x.records.Place(ctx); err != nil {
		return nil, place, err
	}
	defs, err = x.records.Definitions(ctx)
	return defs, place, err
}

// job makes a job on some fields; the journal is closed with the account.
func (x *account) job(ctx context.Context, c bulk.Config) (*bulk.Job, error) {
	c.Workspace, c.Records = x.w, x.records
	if c.Journal == nil {
		j, err := x.a.openJournal(ctx, x.home)
		if err != nil {
			return nil, err
		}
		name, free := takeSlot(filepath.Join(string(x.home), jobsFolder))
		x.closing = append(x.closing, func() { _ = j.Close() }, free) // every write was flushed when it was made
		c.Journal, c.Process = j, name
	}
	return bulk.NewJob(ctx, c)
}

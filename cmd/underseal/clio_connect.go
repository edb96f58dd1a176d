package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/connector/clio"
	"github.com/underseal/underseal/internal/term"
	"github.com/underseal/underseal/internal/transport/loopback"
	"github.com/underseal/underseal/internal/transport/nethttp"
	"github.com/underseal/underseal/workspace"
)

// connectFlags are those of clio connect.
type connectFlags struct {
	region, baseURL, clientID, secretFile string
	noBrowser                             bool
	port                                  int
	wait                                  time.Duration
	shareWith, shareWithGroups            []string
}

const (
	// redirectPort is where the browser comes back to. It is a fixed one, for
	// it is part of the address that the firm registers with Clio.
	redirectPort = 17930
	redirectPath = "/clio"
	// connectWait is how long somebody may take to sign in and approve.
	connectWait = 5 * time.Minute
)

func newClioConnectCommand(a *app) *cobra.Command {
	var f connectFlags
	c := &cobra.Command{
		Use: "connect", Short: "Connect this device to your Clio account", Args: noArgs,
		Long: fmt.Sprintf(`Connect this device to your Clio account. Your browser opens Clio's own page,
where you sign in and allow it; the browser then comes back to
http://127.0.0.1:%d%s, which is the redirect address to register with Clio.

The firm's Clio application (doc/clio-setup.md) is named once, by whoever
connects first: --client-id, and --client-secret-file with a file whose first line
is the secret. Both become a secret of the organization, which colleagues of
--share-with can read; they need neither flag.`, redirectPort, redirectPath),
		Example: `underseal clio connect --client-id Fh29xU --client-secret-file secret.txt \
    --share-with bob@example.com`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(cmd); err != nil {
				return err
			}
			return a.with(cmd.Context(), func(w *workspace.Workspace) error { return a.clioConnect(cmd.Context(), w, f) })
		},
	}
	c.Flags().StringVar(&f.region, "region", "", "the `REGION` of the account: us, ca, eu or au (default us)")
	c.Flags().StringVar(&f.baseURL, "base-url", "", "the `URL` of a Clio that is not a region's, such as a simulator's")
	c.Flags().StringVar(&f.clientID, "client-id", "", "the `ID` (app key) of the firm's Clio application")
	c.Flags().StringVar(&f.secretFile, "client-secret-file", "", "a `FILE` whose first line is the application's secret, or -")
	c.Flags().BoolVar(&f.noBrowser, "no-browser", false, "print the address instead of opening a browser")
	c.Flags().IntVar(&f.port, "port", redirectPort, "the `PORT` that the browser comes back to; 0 for any that is free")
	c.Flags().DurationVar(&f.wait, "wait", connectWait, "how long to wait for the browser, a `TIME` such as 5m")
	c.Flags().StringArrayVar(&f.shareWith, "share-with", nil, "`EMAIL` of a colleague who may connect too; repeat it")
	c.Flags().StringArrayVar(&f.shareWithGroups, "share-with-group", nil, "`GROUP` whose members may connect too; repeat it")
	choices(c, "region", "us", "ca", "eu", "au")
	must(c.RegisterFlagCompletionFunc("client-secret-file", files))
	return c
}

func (f *connectFlags) check(cmd *cobra.Command) error {
	switch _, err := f.site(); {
	case err != nil && f.baseURL == "":
		return &usageError{fmt.Errorf("unknown region %s: it is us, ca, eu or au", term.Escape(f.region)), cmd}
	case err != nil:
		return &usageError{err, cmd}
	case (f.clientID == "") != (f.secretFile == ""):
		return &usageError{errors.New("--client-id and --client-secret-file are given together"), cmd}
	case f.port < 0 || f.port > 65535:
		return &usageError{errors.New("a port is from 0 to 65535"), cmd}
	case f.wait < time.Second || f.wait > time.Hour:
		return &usageError{errors.New("--wait takes from 1s to 1h"), cmd}
	}
	return nil
}

// site is where the flags say that Clio is.
func (f *connectFlags) site() (clio.Site, error) {
	if f.baseURL != "" {
		return clio.At(f.baseURL)
	}
	if f.region == "" {
		return clio.Region("us")
	}
	return clio.Region(f.region)
}

type jsonUser struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Email string `json:"email"`
}

type jsonConnection struct {
	Connected   bool     `json:"connected"`
	Region      string   `json:"region,omitempty"`
	BaseURL     string   `json:"base_url,omitempty"`
	Account     string   `json:"account,omitempty"`
	AccountName string   `json:"account_name,omitempty"`
	User        jsonUser `json:"user,omitzero"`
}

type jsonConnected struct {
	jsonConnection
	SharedWith []string `json:"shared_with"`
}

func (c *connection) json() jsonConnection {
	j := jsonConnection{
		Connected: true, Region: c.Region, BaseURL: c.BaseURL, Account: c.Account, AccountName: c.AccountName,
		User: jsonUser{ID: c.User, Name: c.UserName, Email: c.UserEmail},
	}
	return j
}

// clioConnect signs in, shows who that is, and keeps the connection.
func (a *app) clioConnect(ctx context.Context, w *workspace.Workspace, f connectFlags) error {
	home, err := a.home()
	if err != nil {
		return err
	}
	before, err := loadConnection(homeDir(home), a.me.Keys())
	if err != nil && !errors.Is(err, errNotConnected) {
		return err
	}
	r, err := a.registration(ctx, w, f, before)
	if err != nil {
		return err
	}
	if f.shareWith, err = a.checkShares(ctx, w, f.shareWith, f.shareWithGroups); err != nil {
		return err
	}
	app, err := r.app()
	if err != nil {
		return err
	}
	defer app.Secret.Destroy()
	if _, err := clio.Region(app.Site.Name()); err != nil && f.baseURL == "" {
		// Whoever shared the application chose where people type a password.
		a.warn("you sign in at %s, which is none of Clio's own addresses", term.Escape(app.Site.URL()))
	}
	t := nethttp.New(nethttp.Options{Timeout: exchangeTime})
	defer t.Close()
	tokens, err := a.signIn(ctx, app, t, f)
	if err != nil {
		return err
	}
	defer tokens.Access.Destroy()
	defer tokens.Refresh.Destroy()
	c := connection{registration: r}
	c.take(tokens)
	if err := c.who(ctx, app, tokens, t); err != nil {
		return errors.Join(err, app.Deauthorize(ctx, t, tokens))
	}
	if before.Account != "" && before.Account != c.Account {
		err := fmt.Errorf("%w: %s; this would be %s", errOtherAccount, term.Escape(before.Account), term.Escape(c.Account))
		return errors.Join(err, app.Deauthorize(ctx, t, tokens))
	}
	if err := c.save(homeDir(home), a.me.Keys()); err != nil {
		return errors.Join(err, app.Deauthorize(ctx, t, tokens))
	}
	if before.Account != "" {
		_ = a.revoke(ctx, before) // it may have been the reason to connect again
	}
	return a.connected(ctx, w, c, f)
}

// connected shares what is to be shared, and says what was done.
func (a *app) connected(ctx context.Context, w *workspace.Workspace, c connection, f connectFlags) error {
	a.say("connected to %s (%s) as %s <%s>", term.Escape(c.AccountName), term.Escape(c.Account), term.Escape(c.UserName), term.Escape(c.UserEmail))
	a.say("the connection is in %s, sealed under this device's key", connectionFile)
	shared, err := a.shareRegistration(ctx, w, c.registration, f)
	if err != nil {
		return fmt.Errorf("connected, and the firm's Clio application could not be shared: %w", err)
	}
	if a.json {
		a.printJSON(jsonConnected{c.json(), shared}, nil)
		return nil
	}
	a.next("underseal clio fields")
	return nil
}

// signIn sends the person to Clio's page and waits for the browser to come
// back.
func (a *app) signIn(ctx context.Context, app clio.App, t *nethttp.Transport, f connectFlags) (clio.Tokens, error) {
	l, err := listenForBrowser(ctx, f.port)
	if err != nil {
		return clio.Tokens{}, err
	}
	defer func() { _ = l.Close() }() // it answers nobody any more
	if want := fmt.Sprintf("http://127.0.0.1:%d%s", redirectPort, redirectPath); f.port == redirectPort && l.URL() != want {
		a.warn("port %d is taken: the browser comes back to %s, which Clio refuses unless it is registered", redirectPort, l.URL())
	}
	s, err := app.SignIn(l.URL())
	if err != nil {
		return clio.Tokens{}, err
	}
	waiting, stop := context.WithTimeout(ctx, f.wait)
	defer stop()
	answer, err := a.waitForBrowser(waiting, l, s, f.noBrowser)
	switch {
	case err != nil && ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded):
		return clio.Tokens{}, withHint(fmt.Errorf("%w within %s", errNoBrowserCame, lasting(f.wait)),
			"if Clio's page showed an error: check --client-id, --region and the redirect address "+l.URL())
	case err != nil:
		return clio.Tokens{}, err
	case answer.Error == "access_denied":
		return clio.Tokens{}, errDeclined
	case answer.Error != "":
		return clio.Tokens{}, fmt.Errorf("%w: %s", errDeclined, term.Escape(answer.Error))
	}
	tokens, err := s.Exchange(ctx, t, connector.SystemClock{}, answer.Code)
	if errors.Is(err, connector.ErrUnauthorized) {
		return clio.Tokens{}, errCredentials
	}
	return tokens, err
}

// waitForBrowser shows the person Clio's page and waits for what comes back. A
// browser may keep whoever starts it waiting, so that both go on at once.
func (a *app) waitForBrowser(ctx context.Context, l *loopback.Listener, s clio.SignIn, noBrowser bool) (loopback.Answer, error) {
	type arrival struct {
		answer loopback.Answer
		err    error
	}
	arrived, opened := make(chan arrival, 1), make(chan error, 1)
	go func() {
		answer, err := l.Wait(ctx, s.State)
		arrived <- arrival{answer, err}
	}()
	if noBrowser {
		a.sayAddress(s.URL)
	} else {
		a.say("your browser shows Clio's page; sign in there and allow it")
		go func() { opened <- a.browse(ctx, s.URL) }()
	}
	for {
		select {
		case err := <-opened:
			if err != nil && ctx.Err() == nil {
				a.sayAddress(s.URL)
			}
		case got := <-arrived:
			return got.answer, got.err
		}
	}
}

// sayAddress is printed with --json too: without it nobody could go on.
func (a *app) sayAddress(address string) {
	_, _ = fmt.Fprintf(a.stderr, "open this address in your browser, sign in and allow it:\n  %s\n", address)
}

// listenForBrowser waits at the port, or at any where the usual one is taken.
func listenForBrowser(ctx context.Context, port int) (*loopback.Listener, error) {
	l, err := loopback.Listen(ctx, port, redirectPath)
	if err != nil && port == redirectPort {
		return loopback.Listen(ctx, 0, redirectPath)
	}
	return l, err
}

// who asks Clio whose connection it is.
func (c *connection) who(ctx context.Context, app clio.App, tokens clio.Tokens, t *nethttp.Transport) error {
	records, err := clio.New(clio.Config{App: app, Tokens: tokens, Transport: t, Patience: shortPatience})
	if err != nil {
		return err
	}
	place, err := records.Place(ctx)
	if err != nil {
		return err
	}
	user, err := records.User(ctx)
	if err != nil {
		return err
	}
	c.Account, c.AccountName = place.Account, place.Name
	c.User, c.UserName, c.UserEmail = user.ID, user.Name, user.Email
	return nil
}

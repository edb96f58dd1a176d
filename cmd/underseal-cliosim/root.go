package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/internal/cliosim"
)

func newRoot(out io.Writer) *cobra.Command {
	root := &cobra.Command{
		Use:   "underseal-cliosim",
		Short: "a simulated Clio on this machine, for demonstrations and tests",
		Long: `A simulated Clio on this machine, for demonstrations and tests.

It answers the part of Clio's API that Underseal uses, with its OAuth pages,
from one SQLite file. It has no passwords: serve it on a loopback address.`,
		SilenceErrors: true, SilenceUsage: true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }, // and an error for what is no command
	}
	root.AddCommand(newServe(out), newSeed(out), newToken(out))
	return root
}

// line writes v as one line of JSON.
func line(out io.Writer, v any) error { return json.NewEncoder(out).Encode(v) }

// data adds the flag that every command needs.
func data(cmd *cobra.Command, path *string) {
	cmd.Flags().StringVar(path, "data", "", "SQLite `FILE` with all data, made where it is missing")
	if err := cmd.MarkFlagRequired("data"); err != nil {
		panic(err) // the line above
	}
}

type serveOptions struct {
	cfg                         cliosim.Config
	listen, addressFile, faults string
	window, searchLag           time.Duration
}

func newServe(out io.Writer) *cobra.Command {
	var o serveOptions
	cmd := &cobra.Command{
		Use:   "serve --data FILE",
		Short: "serve the API until interrupted",
		Long: `Serve the API until interrupted.

The address is printed as one line of JSON, {"address": "http://127.0.0.1:PORT"},
or written to --address-file, once requests are answered.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runServe(cmd, out, o) },
	}
	data(cmd, &o.cfg.Path)
	f := cmd.Flags()
	f.StringVar(&o.listen, "listen", "127.0.0.1:0", "loopback `ADDRESS` to listen on")
	f.StringVar(&o.addressFile, "address-file", "", "write the address to `FILE` instead of printing it")
	f.IntVar(&o.cfg.Settings.RateLimit, "rate-limit", 50, "requests that an access token has in a window")
	f.DurationVar(&o.window, "window", time.Minute, "length of a window")
	f.DurationVar(&o.searchLag, "search-lag", 0, "how long new objects are missing from searches")
	f.StringVar(&o.faults, "faults", "", `JSON `+"`FILE`"+` with what goes wrong: {"faults": [...]}`)
	f.StringVar(&o.cfg.AutoApprove, "auto-approve", "", "`EMAIL` of the user in whose name all applications are approved without a page")
	f.StringVar(&o.cfg.Region, "region", "us", "us, ca, eu or au")
	f.BoolVar(&o.cfg.Relaxed, "relaxed", false, "wait for no disk: for measurements")
	return cmd
}

func runServe(cmd *cobra.Command, out io.Writer, o serveOptions) (err error) {
	o.cfg.Settings.Window = cliosim.Duration(o.window)
	o.cfg.Settings.SearchLag = cliosim.Duration(o.searchLag)
	host, _, err := net.SplitHostPort(o.listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return fmt.Errorf("--listen: %q is not a loopback address, and there are no passwords", host)
	}
	sim, err := cliosim.Open(cmd.Context(), o.cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sim.Close()) }()
	if o.faults != "" {
		if err := loadFaults(sim, o.faults); err != nil {
			return err
		}
	}
	listener, err := (&net.ListenConfig{}).Listen(cmd.Context(), "tcp", o.listen)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: sim.Handler(), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		<-cmd.Context().Done()
		_ = server.Close() // what was answered is on the disk
	}()
	if err := announce(out, "http://"+listener.Addr().String(), o.addressFile); err != nil {
		return errors.Join(err, listener.Close())
	}
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// announce tells where the simulator is. A file appears whole, so that
// whoever waits for it can read it at once.
func announce(out io.Writer, address, file string) error {
	if file == "" {
		return line(out, map[string]string{"address": address})
	}
	if err := os.WriteFile(file+".new", []byte(address+"\n"), 0o600); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

func loadFaults(sim *cliosim.Sim, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var plan struct {
		Faults []cliosim.Fault `json:"faults"`
	}
	if err := json.Unmarshal(text, &plan); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return sim.SetFaults(plan.Faults)
}

func newSeed(out io.Writer) *cobra.Command {
	var path string
	o := cliosim.SeedOptions{App: cliosim.DefaultApp()}
	cmd := &cobra.Command{
		Use:   "seed --data FILE",
		Short: "fill an empty file with a made-up firm",
		Long: `Fill an empty file with a made-up firm.

The same flags make the same firm. What was made is printed as one line of
JSON: the users, the application's id and secret, the custom fields by name.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			sim, err := cliosim.Open(cmd.Context(), cliosim.Config{Path: path, Region: o.App.Region})
			if err != nil {
				return err
			}
			for _, n := range []*int{&o.Matters, &o.Contacts} {
				if *n == 0 {
					*n = -1 // none, and not the default
				}
			}
			firm, err := sim.Seed(cmd.Context(), o)
			if err := errors.Join(err, sim.Close()); err != nil {
				return err
			}
			return line(out, firm)
		},
	}
	data(cmd, &path)
	f := cmd.Flags()
	f.Uint64Var(&o.Seed, "seed", 0, "of the choices")
	f.IntVar(&o.Matters, "matters", 2000, "number of matters")
	f.IntVar(&o.Contacts, "contacts", 3000, "number of contacts")
	f.IntVar(&o.Notes, "notes", 0, "number of notes")
	f.IntVar(&o.Activities, "activities", 0, "number of activities")
	f.StringVar(&o.App.ID, "client-id", o.App.ID, "id of the application that is registered")
	f.StringVar(&o.App.Secret, "client-secret", o.App.Secret, "its secret, which is not one")
	f.StringSliceVar(&o.App.Redirects, "redirect", nil, "redirect `URI`s of the application, compared as they are")
	f.BoolVar(&o.App.Loopback, "loopback", o.App.Loopback, "allow every http://127.0.0.1:PORT redirect as well")
	f.StringVar(&o.App.Region, "region", "us", "us, ca, eu or au")
	return cmd
}

func newToken(out io.Writer) *cobra.Command {
	var path, user, app, region string
	cmd := &cobra.Command{
		Use:   "token --data FILE --user EMAIL",
		Short: "issue tokens in a user's name, as if they had approved",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
				return err // issuing makes no file
			}
			sim, err := cliosim.Open(cmd.Context(), cliosim.Config{Path: path, Region: region})
			if err != nil {
				return err
			}
			tokens, err := sim.Issue(cmd.Context(), user, app)
			if err := errors.Join(err, sim.Close()); err != nil {
				return err
			}
			return line(out, tokens)
		},
	}
	data(cmd, &path)
	f := cmd.Flags()
	f.StringVar(&user, "user", "", "`EMAIL` of the user")
	f.StringVar(&app, "client-id", cliosim.DefaultApp().ID, "application that the tokens are for")
	f.StringVar(&region, "region", "us", "us, ca, eu or au")
	if err := cmd.MarkFlagRequired("user"); err != nil {
		panic(err) // two lines above
	}
	return cmd
}

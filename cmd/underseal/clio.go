package main

import (
	"errors"

	"github.com/spf13/cobra"
)

// Errors of the commands for Clio and for jobs.
var (
	errNotConnected   = errors.New("this device is not connected to Clio")
	errOtherAccount   = errors.New("this device is connected to another Clio account")
	errNoRegistration = errors.New("nobody has shared the firm's Clio application with you")
	errClientSecret   = errors.New("the client secret cannot be read")
	errDeclined       = errors.New("the connection was declined")
	errNoBrowserCame  = errors.New("nobody came back from Clio")
	errNoClioField    = errors.New("no such field in Clio")
	errClioAmbiguous  = errors.New("several fields in Clio have that name")
	errNotProtected   = errors.New("not protected")
	errFieldName      = errors.New("its name in Clio is too long, or holds what is not seen")
	errRenamed        = errors.New("that is what Clio calls it now; it was protected as")
	errNothingToDo    = errors.New("nothing is protected in this account")
	errNotSettled     = errors.New("there is nothing to accept about it")
	errNoJob          = errors.New("there is no such job")
	errOtherJob       = errors.New("the journal says something else of it than its id, or its fields are others now")
	errExportName     = errors.New("no place for the sealed copy")
	errNoReport       = errors.New("there is no report yet")
	errCredentials    = errors.New("the application's id or secret is not accepted by Clio")
	errOtherRegion    = errors.New("the firm's Clio application belongs to another region")
	errSealedInPlace  = errors.New("sealed in the field itself already")
	errNotUndoable    = errors.New("only what enable sealed can be undone")
)

func newClioCommand(a *app) *cobra.Command {
	return noun("clio", "Clio: seal the custom fields of your account", `Clio: seal the custom fields of your account, with everything that is in them
already. Connect first; what a firm needs for that is in doc/clio-setup.md.`,
		newClioConnectCommand(a), newClioFieldsCommand(a), newClioEnableCommand(a), newClioDisableCommand(a), newClioAcceptCommand(a),
		newClioStatusCommand(a), newClioVerifyCommand(a), newClioReportCommand(a), newClioDisconnectCommand(a))
}

// someArgs wants one argument or more, each called name in the help.
func someArgs(name string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return needs(cmd, name)
		}
		return nil
	}
}

// onFlag tells apart fields of one name.
func onFlag(c *cobra.Command, on *string) {
	c.Flags().StringVar(on, "on", "", "only fields of this `KIND` of record, matter or contact, where both have the name")
	choices(c, "on", "matter", "contact")
}

func checkOn(cmd *cobra.Command, on string) error {
	switch on {
	case "", "matter", "contact":
		return nil
	default:
		return &usageError{errors.New("--on is matter or contact"), cmd}
	}
}

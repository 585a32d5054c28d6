package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"

	"meshbridge/bridge/config"
	"meshbridge/bridge/control"
)

// bridgeAt is where a running bridge is asked.
type bridgeAt struct{ file, socket string }

// flags declares how it is named.
func (d *bridgeAt) flags(fs *flag.FlagSet) {
	fs.StringVar(&d.file, "c", "", "configuration `FILE` that names the socket (default "+defaultConfig+")")
	fs.StringVar(&d.socket, "socket", "", "control socket `PATH`, whatever the configuration says")
}

// path finds the socket: the one named, else that of the configuration, else the usual
// one. The usual configuration need not be readable for who asks.
func (d bridgeAt) path() (string, error) {
	if d.socket != "" {
		return d.socket, nil
	}
	cfg, err := config.Read(cmp.Or(d.file, defaultConfig))
	switch {
	case err != nil && d.file == "":
		return config.DefaultSocket, nil
	case err != nil:
		return "", err
	case cfg.Control.Socket == "":
		return "", errors.New("control.socket is \"\" there, so nobody can ask; remove that line and restart the service")
	}
	return cfg.Control.Socket, nil
}

// ask puts a question to the bridge that runs, and returns the exit code.
func (c *call) ask(ctx context.Context, d bridgeAt, r control.Request, take func(json.RawMessage) error) int {
	path, err := d.path()
	if err != nil {
		fmt.Fprintf(c.err, "%s %s: %v\n", c.program, c.verb, err)
		return exitUsage
	}
	return c.asked(path, control.Ask(ctx, path, r, take))
}

// asked tells why there is no answer.
func (c *call) asked(path string, err error) int {
	switch {
	case err == nil, errors.Is(err, context.Canceled):
		return exitOK
	case errors.Is(err, control.ErrNotRunning):
		fmt.Fprintf(c.err, "%s %s: no bridge answers at %s; start it with systemctl start meshbridge or %s run, or name its socket with --socket\n",
			c.program, c.verb, path, c.program)
	case errors.Is(err, control.ErrMute):
		fmt.Fprintf(c.err, "%s %s: the bridge at %s runs and does not answer: it is stopped or stuck; see its log, and restart it with systemctl restart meshbridge\n",
			c.program, c.verb, path)
	case errors.Is(err, control.ErrNotAllowed):
		fmt.Fprintf(c.err, "%s %s: this user may not use %s; run this as root or as the user of the service, or become a member of control.group\n",
			c.program, c.verb, path)
	case errors.Is(err, control.ErrRefused):
		for line := range strings.Lines(strings.TrimPrefix(err.Error(), control.ErrRefused.Error()+": ")) {
			fmt.Fprintf(c.err, "%s %s: %s\n", c.program, c.verb, strings.TrimSuffix(line, "\n"))
		}
	default:
		fmt.Fprintf(c.err, "%s %s: asking at %s: %v; see the log of the service, and try again\n", c.program, c.verb, path, err)
	}
	return exitRuntime
}

// isASCII reports whether the locale has no more than ASCII (locale(7)).
func isASCII() bool {
	name := cmp.Or(os.Getenv("LC_ALL"), os.Getenv("LC_CTYPE"), os.Getenv("LANG"))
	name = strings.ToLower(name)
	return !strings.Contains(name, "utf-8") && !strings.Contains(name, "utf8")
}

package upstream

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"meshbridge/internal/stanza"
)

// open leads a fresh connection to <handshake/>, and makes a Session of it then.
// Until then it writes the stream header and the handshake and nothing else.
func (l *Link) open(ctx context.Context, conn net.Conn, target string) (*Session, *stanza.Reader, error) {
	conn.SetDeadline(time.Now().Add(openTimeout))
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	r := stanza.NewReader(conn, stanza.Component, stanza.UpstreamLimits(l.maxStanza))
	err := l.authenticate(conn, r)
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return nil, nil, err
	}
	r.Trust()
	conn.SetDeadline(time.Time{})
	return newSession(conn, target, l.domain, l.maxStanza, time.Now()), r, nil
}

// authenticate is XEP-0114 section 3: header, header, digest, <handshake/>.
func (l *Link) authenticate(conn net.Conn, r *stanza.Reader) error {
	header := stanza.AppendHeader(nil, stanza.Component, stanza.Header{To: string(l.domain)})
	if _, err := conn.Write(header); err != nil {
		return fmt.Errorf("opening the stream: %w", err)
	}
	reply, err := r.Header()
	if err != nil {
		return notAServer(err)
	}
	if err := l.checkReply(reply); err != nil {
		return l.reason(conn, r, err)
	}
	digest := l.digest(reply.ID)
	proof := stanza.New("", "handshake").AddText(digest)
	if _, err := conn.Write(stanza.AppendElement(nil, stanza.Component, proof)); err != nil {
		return fmt.Errorf("sending the handshake: %w", err)
	}
	answer, err := r.Next()
	if err != nil {
		return fmt.Errorf("waiting for <handshake/>: %w", err)
	}
	if said, ok := stanza.AsStreamError(answer); ok {
		return l.said(said, digest)
	}
	if !isHandshake(answer) {
		return fmt.Errorf("the server sent <%s/> before <handshake/>: it is no XEP-0114 server, or not this component's; correct upstream.uri", answer.Name.Local)
	}
	return nil
}

// checkReply refuses a header that is not for us. Without an id the digest would be
// a hash of the secret alone, the same one each time.
func (l *Link) checkReply(reply stanza.Header) error {
	switch {
	case reply.From != "" && !l.domain.is(reply.From):
		return fmt.Errorf("the server answered for %q instead of %s: correct upstream.domain or upstream.uri", reply.From, l.domain)
	case reply.ID == "":
		return errors.New("the server gave its stream no id: no digest was sent, for it would give the secret away; another program may be listening on that port")
	}
	return nil
}

// reason waits a moment for the stream error that servers put behind such a header,
// as Prosody does for a domain it does not know, and returns it instead of err.
func (l *Link) reason(conn net.Conn, r *stanza.Reader, err error) error {
	conn.SetReadDeadline(time.Now().Add(refusalGrace))
	el, readErr := r.Next()
	if readErr != nil {
		return err
	}
	if said, ok := stanza.AsStreamError(el); ok {
		return l.said(said, "")
	}
	return err
}

// isHandshake reports whether an element is the empty <handshake/> of a server that
// is satisfied.
func isHandshake(e *stanza.Element) bool {
	return e.Name == stanza.Name{Local: "handshake"} &&
		len(e.Elements()) == 0 && strings.TrimSpace(e.Text()) == ""
}

func notAServer(err error) error {
	if _, ok := errors.AsType[*stanza.StreamError](err); ok {
		return fmt.Errorf("the server's stream header: %w: this port does not speak XEP-0114; use the server's component port (5347 unless changed)", err)
	}
	return fmt.Errorf("waiting for the server's stream header: %w", err)
}

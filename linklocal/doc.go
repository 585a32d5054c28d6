// Package linklocal is the LAN side of the bridge: it finds the people on a link,
// shows them the colleagues who are elsewhere, and talks to them over XML streams
// (XEP-0174, "Bonjour chat").
//
// A [Mesh] keeps three tables, all owned by the goroutine of [Mesh.Run]:
//
//   - peers: who is here, one entry per instance however many interfaces and
//     address families show it;
//   - proxies: the instances that stand for colleagues, each published under its
//     own name at the one port of the mesh;
//   - pairs: a proxy and a peer who have something to say to each other, with the
//     one stream between them, whoever opened it.
//
// What the mesh learns it tells as an [Event]. A stanza is only ever told of once
// the stream it came on is bound, that is, once the name its sender claims was
// matched with the records of that name and the address it comes from. There is no
// event for anything else a stream says.
//
// A [Watch] looks at the same people without being on the mesh: it owns no name,
// publishes nothing and opens no stream.
//
// A message handed to [Mesh.Send] is told of once more: [Delivered] when the peer's
// kernel has acknowledged it and the stream outlived it, [Returned] when that
// cannot be said. Keeping it until then is the caller's part.
//
// Nobody on the LAN can make the mesh hold, do or wait for more than docs/limits.md
// says. Who sends too fast is held up, who opens too many connections is turned away,
// and neither is felt by the others.
package linklocal

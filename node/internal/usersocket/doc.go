// Package usersocket makes and reaches Unix sockets that are for one user. Access to the socket is
// the permission: the server asks for no password. The client makes sure whose process it talks to
// before it sends a byte.
//
//   - [Listen] binds a socket with mode 0600. It replaces a stale one and is never open to others,
//     not even for a moment.
//   - [Dial] connects and checks the user of the process that listens: the caller, root, or the
//     owner of the socket's folder. Another user who managed to put a socket there is a
//     [*StrangerError].
//   - [MakeFolder] makes a folder for a socket whose path would otherwise be too long.
//     [CheckFolder] says whether such a folder is still what it was made to be.
//
// Where the system cannot say whose process listens, the permissions of the folder alone protect
// (peer_other.go).
package usersocket

// Package ui is the page that a node or proxy shows to a browser at /. It is plain HTML, CSS and
// ES modules, embedded as they are (static/). Nothing is built, and nothing comes from other
// hosts.
//
//   - [NewHandler] serves the files. They hold no data: the page asks the API for that, as every
//     other program does.
//   - The content security policy lets the page load and ask its own origin alone. It makes no HTML
//     of text: Trusted Types forbid it, and dom.js makes elements.
//   - The page takes the token of a session out of its address's fragment, clears the fragment, and
//     keeps the token in memory (session.js).
//   - Names and keys never stand in a URL. What the page asks about them goes in bodies.
//
// app.js is the shell: it shows one view at a time. A view is a module in static/views; its header
// says what the shell wants of it. Package uitest drives the page in a real browser.
package ui

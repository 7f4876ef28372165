package home

// PageFile is the file of a home that opens the node's page in a browser. It holds the token of a
// session, and is for the home's user alone.
const PageFile = "ui.html"

// WritePage puts a new page file in place of the one before, with mode 0600. It returns its path.
func (h *Home) WritePage(html []byte) (path string, err error) {
	path = h.path(PageFile)
	return path, replaceFile(path, html)
}

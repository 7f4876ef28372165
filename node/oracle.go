package node

// attached tells the commentator, if there is one, that there are new records.
func (n *Node) attached() {}

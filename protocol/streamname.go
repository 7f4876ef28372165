package protocol

// StreamPrefix begins the libp2p names of all protocols of the network, its DHT included (SPEC,
// section 14).
func (n *Network) StreamPrefix() string { return "/lf/" + n.ID().String() }

// StreamProtocol is the libp2p name of one of the network's stream protocols, such as "fetch".
func (n *Network) StreamProtocol(name string) string { return n.StreamPrefix() + "/" + name + "/1" }

// GossipTopic is the GossipSub topic of the network's records.
func (n *Network) GossipTopic() string { return n.StreamPrefix() + "/records/1" }

// PulseTopic is the GossipSub topic of the network's pulses.
func (n *Network) PulseTopic() string { return n.StreamPrefix() + "/pulses/1" }

package lfsync

import (
	"crypto/sha256"

	libprotocol "github.com/libp2p/go-libp2p/core/protocol"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/clock"
	"github.com/lf-store/lf/sync/internal/fetch"
	"github.com/lf-store/lf/sync/internal/push"
	"github.com/lf-store/lf/sync/internal/reconcile"
	"github.com/lf-store/lf/sync/internal/stream"
)

// What tests here play peers with.

func streamProtocol(n *protocol.Network, name string) libprotocol.ID {
	return stream.Service{Name: name}.ID(n)
}

func fetchProtocol(n *protocol.Network) libprotocol.ID     { return fetch.Service.ID(n) }
func reconcileProtocol(n *protocol.Network) libprotocol.ID { return reconcile.Service.ID(n) }
func pushProtocol(n *protocol.Network) libprotocol.ID      { return push.Service.ID(n) }
func clockProtocol(n *protocol.Network) libprotocol.ID     { return clock.Service.ID(n) }

var (
	appendEnvelope     = reconcile.AppendEnvelope
	readEnvelope       = reconcile.ReadEnvelope
	appendAnnouncement = push.AppendAnnouncement
	readAnnouncement   = push.ReadAnnouncement
	appendWanted       = push.AppendWanted
	readWanted         = push.ReadWanted
	appendPushed       = push.AppendPushed

	appendRequest   = fetch.AppendRequest
	readRequest     = fetch.ReadRequest
	readItem        = fetch.ReadItem
	writeItem       = fetch.WriteItem
	writeAmbiguous  = fetch.WriteAmbiguous
	writeDamaged    = fetch.WriteDamaged
	newAnswerReader = fetch.NewAnswerReader
	sameName        = fetch.SameName
)

type fetchRequest = fetch.Request

const (
	nameSize, idSize = fetch.NameSize, fetch.IDSize

	statusComplete, statusPruned, statusDamaged = 1, 2, 4
)

func testID(name string) protocol.ID { return protocol.ID(sha256.Sum256([]byte(name))) }

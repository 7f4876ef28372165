//go:build !unix

package usersocket

import "os"

func ownerOf(os.FileInfo) (user int, known bool) { return 0, false }

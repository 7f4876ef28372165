package store

func runChild() bool { return false }

// Package uitest drives the page of a node in a real Chromium, for tests.
//
// A test package's TestMain calls [Main], which ends the browser that its tests share. [Open] gives
// a test a tab whose storage is its own. It skips the test where there is no Chromium. Whatever the
// page throws, what its content security policy forbids, and each request to another host fails the
// test.
package uitest

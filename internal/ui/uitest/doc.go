// Package uitest drives the page of a node in a real Chromium, for tests.
//
// A test package whose TestMain calls [Main] has one browser for all of its tests. Without that,
// each test has its own. [Open] gives a test a tab whose storage is its own. It skips the test
// where there is no Chromium. Whatever the page throws, what its content security policy forbids,
// and each request to another host fails the test.
package uitest

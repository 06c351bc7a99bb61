"""The places where goods lie."""

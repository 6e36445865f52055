--
-- PostgreSQL database dump
--
x
-- PostgreSQL database dump complete

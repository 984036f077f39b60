"""What a request for a scan becomes: judged by a policy, confirmed by a person where it has to be, and published."""

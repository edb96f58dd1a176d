package main

func auditRules() []rule { return nil }

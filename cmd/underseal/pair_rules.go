package main

func pairRules() []rule { return nil }

"""GA-DQN: a genetic algorithm over genes whose crossover and mutation are chosen by two deep Q-networks."""

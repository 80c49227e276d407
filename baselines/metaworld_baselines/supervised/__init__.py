"""Supervised meta-learning and multi-task learning: memorisation and its cure, and combinations of gradients beyond RL.

`python -m metaworld_baselines.supervised PROBLEM --learner NAME --seed N` trains one.

problems/        what is learned: episodes of few-shot tasks, or batches of several tasks' labels
networks         encoder and head, and the conditional neural process
regularization   the KL of Gaussian weights or activations, and the PAC-Bayes bound
augmentation     label noise and label shuffling
learners         MAML, CNP, fine-tuning, nearest neighbour; every regulariser goes with each
settings         configurations, and what the names of the papers stand for
training         the loop
multitask        several tasks in one network, with the combinations of `gradients/`
results          finished runs in one file, for the page
"""

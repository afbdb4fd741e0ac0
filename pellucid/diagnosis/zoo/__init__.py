"""The fault zoo: trainings with one fault that people really make, and healthy ones, to measure the gates by."""

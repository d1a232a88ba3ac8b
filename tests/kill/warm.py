"""What the pipeline imports when it needs it; imported once by the server commands fork from."""

import anthropic
import genai_prices
import openai

from pipeline.cli import add, init, issues

SLOW = (anthropic, genai_prices, openai, add, init, issues)

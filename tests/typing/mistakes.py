"""Mistakes that a type checker must find: one on each line that ends in a comment."""

import tinynet as tn

model = tn.Sequential([tn.layers.Dense(1, input_shape=(2,))])
tn.layers.Dense(32, activaton="relu")  # wrong
tn.layers.Dense("32")  # wrong
tn.layers.Dropout(0.5, sede=1)  # wrong
tn.layers.Dens(32)  # wrong
tn.optimizers.Adam(lr=1)  # wrong
tn.optimizers.SGD(0.1, clip_norm=1.0)  # wrong
tn.losses.MeanSquaredErorr()  # wrong
tn.losses.Huber(dleta=1.0)  # wrong
tn.metrics.MeanAbsoluteErorr()  # wrong
tn.callbacks.EarlyStopping(patiense=3)  # wrong
model.prdict([[1.0, 2.0]])  # wrong
model.fit([[1.0, 2.0]], [[1.0]], epoch=3)  # wrong
model.compile("adam", "mse", metric=["mae"])  # wrong
print(model.layers[0].kernl)  # wrong
tn.nn.rellu([1.0])  # wrong
print(tn.gradchek)  # wrong
tn.plotting.plot_history(None).savfig("x")  # wrong
